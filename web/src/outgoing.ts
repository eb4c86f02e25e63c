import type { Message, OutboxItem } from '@tidings/client'
import { useSyncExternalStore } from 'react'
import { tidings } from './api'
import { addRefused, dropRefused, type Refused, useRefused } from './ephemeral'
import { addOwn, sendMessage } from './history'
import type { AppEvent } from './state/apply'
import { type Log, logOf } from './state/place'

/** A message of one's own that isn't among the others yet. */
export type Outgoing = { key: string; content: string; createdAt: string; refused?: Refused }

/**
 * The items whose message an event has told before the answer to its POST was here: they aren't shown twice. The event
 * doesn't name the item, so the oldest of the same text is taken; should it be another device's, the answer puts it right.
 */
const told = new Set<string>()

/** The keys that messages had while they were outgoing, so that the row of one stays the same row. */
const keys = new Map<string, string>()

export const rowKey = (log: Log, m: Message) => keys.get(`${log}/${m.seq}`) ?? String(m.seq)

/** Takes note that an event tells a message of one's own. */
export function noteOwn(log: Log, m: Message) {
  const item = tidings.outbox.items.find((i) => logOf(i) === log && i.content === m.content && !told.has(i.key))
  if (!item || keys.has(`${log}/${m.seq}`)) return
  told.add(item.key)
  keys.set(`${log}/${m.seq}`, item.key)
}

/** Takes note of what an event tells, before it is applied. */
export function noteEvent(e: AppEvent) {
  if (e.type === 'conversation_update' && e.data.message) noteOwn(`c:${e.data.conversation.id}`, e.data.message)
  if (e.type === 'group_update' && e.data.message) noteOwn(`g:${e.data.groupChat.id}`, e.data.message)
}

/** Follows what becomes of what was sent, until what it returns is called. */
export function followOutbox(): () => void {
  return tidings.outbox.subscribe(({ item, message, error }) => {
    const log = logOf(item)
    if (message) {
      if (!told.has(item.key)) keys.set(`${log}/${message.seq}`, item.key)
      told.delete(item.key)
      addOwn(log, message)
    } else if (error) {
      told.delete(item.key)
      if (error.code === 'discarded' || error.code === 'logged_out') return
      const { key, content, createdAt } = item
      addRefused(log, { key, content, createdAt, error })
    }
  })
}

const subscribe = (changed: () => void) => tidings.outbox.subscribe(changed)
const items = () => tidings.outbox.items

/** What waits to be sent to a place and what was refused there, the oldest first. */
export function useOutgoing(log: Log): readonly Outgoing[] {
  const waiting = useSyncExternalStore(subscribe, items).filter((i: OutboxItem) => logOf(i) === log && !told.has(i.key))
  const refused = useRefused(log)
  if (refused.length === 0) return waiting
  const all: Outgoing[] = [...waiting, ...refused.map((r) => ({ ...r, refused: r }))]
  return all.sort((a, b) => (a.key < b.key ? -1 : 1))
}

/** Sends a message, now or when it can be; it is on the page at once. */
export function send(log: Log, content: string) {
  sendMessage(log, content).catch(() => {
    // followOutbox has told; this is for the promise alone
  })
}

export function sendAgain(log: Log, r: Refused) {
  dropRefused(log, r.key)
  send(log, r.content)
}

export const discard = (log: Log, r: Refused) => dropRefused(log, r.key)
