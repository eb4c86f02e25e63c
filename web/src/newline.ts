import type { Message } from '@tidings/client'
import { useEffect, useRef, useState } from 'react'
import { queries } from './api'
import { lists, useMe } from './lists'
import type { Place } from './state/place'
import { unreadOf } from './state/view'

/** What a place had when it was opened. */
interface Opening {
  /** Of the newest message. */
  seq: number
  unread: number
}

/**
 * The first message that was unread when a place was opened: the unread ones were the newest, since who posts has read
 * what was before. Undefined if there was none, or if it is on an older page.
 */
export function firstUnread(messages: readonly Message[], more: boolean, opening: Opening | undefined) {
  if (!opening?.unread) return undefined
  const i = messages.findLastIndex((m) => m.seq <= opening.seq) - opening.unread + 1
  return i >= 0 ? messages[i]?.seq : more ? undefined : messages[0]?.seq
}

/** Where the new messages begin: with what was unread when the place was opened, then with what comes while nobody looks. */
export function useNewLine(place: Place, messages: readonly Message[], more: boolean) {
  const me = useMe()
  const [opening, setOpening] = useState<Opening>()
  const [since, setSince] = useState<number>()
  const lastSeen = useRef(0)

  const newest = messages.at(-1)
  if (!opening && newest) {
    const state = queries.getQueryData(lists.queryKey)
    setOpening({ seq: newest.seq, unread: state ? unreadOf(state, place) : 0 })
  }
  useEffect(() => {
    if (opening) lastSeen.current = Math.max(lastSeen.current, opening.seq)
  }, [opening])

  const [actions] = useState(() => ({
    /** Takes note of what is there, and whether somebody looks. */
    look(all: readonly Message[], seen: boolean) {
      const last = all.at(-1)
      if (!last || lastSeen.current === 0) return
      const before = lastSeen.current
      if (seen) lastSeen.current = Math.max(before, last.seq)
      else {
        const first = all.find((m) => m.seq > before && m.sender.id !== me.id)
        if (first) setSince((old) => (old !== undefined && old > before ? old : first.seq))
      }
    },
    /** Takes the line away: who writes has read. */
    clear() {
      setSince(undefined)
      setOpening((o) => o && { ...o, unread: 0 })
    },
  }))
  return {
    from: since ?? firstUnread(messages, more, opening),
    /** The newest message when the place was opened. */
    openedAt: opening?.seq,
    ...actions,
  }
}
