import type { Notification, NotificationRead } from '@tidings/client'
import { type Log, logOf } from './place'
import { newestFirst, put, readUpTo, type State } from './state'

/** The log of which a notification tells the unread messages; undefined for all other notifications. */
export function bellLog(n: Notification): Log | undefined {
  return n.kind === 'message' || n.kind === 'group_message' ? (n.id.split('/')[0] as Log) : undefined
}

/** One line of the bell: with the number of unread messages where it stands for those of a place. */
export interface BellItem {
  notification: Notification
  log: Log | undefined
  count: number
  read: boolean
}

/** The bell's list, the newest first. A place whose messages are all read has no line in it. */
export function bellItems(s: State): BellItem[] {
  const out: BellItem[] = []
  for (const [log, n] of s.bell) {
    const count = unreadIn(s, log, n)
    if (count > 0) out.push({ notification: n, log, count, read: false })
  }
  for (const n of s.stored.values()) out.push({ notification: n, log: undefined, count: 0, read: n.read })
  return out.sort(byTime)
}

const byTime = newestFirst<BellItem>(
  (i) => i.notification.createdAt,
  (i) => i.notification.id,
)

/** How many lines of the bell are unread. */
export function bellUnread(s: State): number {
  let n = 0
  for (const [log, m] of s.bell) if (unreadIn(s, log, m) > 0) n++
  for (const m of s.stored.values()) if (!m.read) n++
  return n
}

const unreadIn = (s: State, log: Log, n: Notification) => (n.messageCount ?? 0) - (s.read.get(log) ?? 0)

export function notified(s: State, n: Notification): State {
  const log = bellLog(n)
  if (log) return (s.bell.get(log)?.seq ?? 0) < n.seq ? { ...s, bell: put(s.bell, log, n) } : s
  return s.stored.has(n.id) ? s : { ...s, stored: put(s.stored, n.id, n) }
}

export function notificationRead(s: State, d: NotificationRead): State {
  s = markRead(s, (n) => (d.ids?.includes(n.id) ?? false) || (d.all === true && n.seq < d.seq))
  for (const r of d.reads ?? []) s = readUpTo(s, logOf(r), r.readCount)
  return s
}

/** The state with the stored notifications read that match. */
export function markRead(s: State, match: (n: Notification) => boolean): State {
  let stored: Map<string, Notification> | undefined
  for (const n of s.stored.values()) {
    if (n.read || !match(n)) continue
    stored ??= new Map(s.stored)
    stored.set(n.id, { ...n, read: true })
  }
  return stored ? { ...s, stored } : s
}
