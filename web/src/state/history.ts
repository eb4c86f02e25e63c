import type { Message, MessagesAnswer } from '@tidings/client'

/** The messages of a place that the page holds: the newest ones, without a hole, the newest last. */
export interface History {
  messages: readonly Message[]
  /** Whether there are older ones. */
  more: boolean
}

/** Most messages kept of a place that nobody scrolls back in; older ones are a page away. */
const kept = 200

export const fromPage = (page: MessagesAnswer): History => ({
  messages: page.messages,
  more: page.links.older !== undefined,
})

/** Puts a message where it belongs; one that is there already, or older than what is held, changes nothing. */
export function withMessage(h: History, m: Message): History {
  const last = h.messages.at(-1)
  if (!last || last.seq < m.seq) return { ...h, messages: [...h.messages, m] }
  const i = h.messages.findIndex((x) => x.seq >= m.seq)
  if (h.messages[i]?.seq === m.seq || (i === 0 && h.more)) return h
  return { ...h, messages: h.messages.toSpliced(i, 0, m) }
}

/** Puts a page of older messages in front. */
export function withOlder(h: History, page: MessagesAnswer): History {
  const first = h.messages[0]?.seq ?? Number.POSITIVE_INFINITY
  const { messages, more } = fromPage(page)
  return { messages: [...messages.filter((m) => m.seq < first), ...h.messages], more }
}

/**
 * The newest page, fetched again, in front of what was held: older pages stay if nothing lies between, so that who
 * reads them keeps their place.
 */
export function rejoined(old: History | undefined, page: History): History {
  const first = page.messages[0]
  if (!old || !first || !page.more) return page
  const at = old.messages.findIndex((m) => m.seq >= first.seq)
  return at < 0 ? page : { messages: [...old.messages.slice(0, at), ...page.messages], more: old.more }
}

/** Lets go of old messages, which would make the page slow after a day. */
export function trimmed(h: History): History {
  return h.messages.length <= kept * 1.5 ? h : { messages: h.messages.slice(-kept), more: true }
}
