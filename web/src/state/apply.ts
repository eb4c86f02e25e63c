import type { EventMap, UserRef } from '@tidings/client'
import { notificationRead, notified } from './bell'
import { friendNotified, friendsChanged } from './friend'
import { type Log, logOf, type Place } from './place'
import { drop, put, readUpTo, type State } from './state'

/** An event of the stream, of any type. */
export type AppEvent = { [T in keyof EventMap]: { type: T; data: EventMap[T] } }[keyof EventMap]

/**
 * What an event makes of the state. Events that the state reflects already change nothing: each listed thing carries
 * the seq of the entry that it reflects, so that lists may be fetched while events come in.
 */
export function apply(s: State, e: AppEvent): State {
  switch (e.type) {
    case 'conversation_update':
      return updated(s, { kind: 'c', ...e.data.conversation }, e.data.change, e.data)
    case 'group_update':
      return updated(s, { kind: 'g', ...e.data.groupChat }, e.data.change, e.data)
    case 'notification':
      return friendNotified(notified(s, e.data), e.data)
    case 'notification_read':
      return notificationRead(s, e.data)
    case 'read':
      return readUpTo(s, logOf(e.data), e.data.readCount)
    case 'friends_changed':
      return friendsChanged(s, e.data)
    default:
      return s // messages live with their place, ephemeral ones with the page
  }
}

interface Change {
  members?: UserRef[]
  member?: UserRef
  message?: unknown
}

function updated(s: State, now: Place, change: string, d: Change): State {
  const log: Log = `${now.kind}:${now.id}`
  const have = s.places.get(log)
  const isMe = (u: UserRef | undefined) => u?.id === s.me.id
  if (change === 'created' || (change === 'members_added' && d.members?.some(isMe))) {
    s = readUpTo(s, log, now.messageCount) // a joiner starts at the count of that moment
    if (have && (have.memberSeq ?? 0) >= now.seq) return s
    return { ...s, places: put(s.places, log, { ...now, memberSeq: now.seq }) }
  }
  if (change === 'deleted' || (change === 'member_removed' && isMe(d.member))) {
    if (have && (have.memberSeq ?? 0) < now.seq) s = { ...s, places: drop(s.places, log) }
    return (s.bell.get(log)?.seq ?? now.seq) < now.seq ? { ...s, bell: drop(s.bell, log) } : s
  }
  if (d.message) s = readUpTo(s, log, now.messageCount) // posting reads up to one's own message
  if (change === 'message') s = counted(s, log, now)
  if (!have || have.seq >= now.seq) return s
  return { ...s, places: put(s.places, log, { ...have, ...now } as Place) } // what it doesn't name stays
}

/** Joins the message count of an update to the notification of the same entry, which carries none. */
function counted(s: State, log: Log, now: Place): State {
  const n = s.bell.get(log)
  if (n?.seq !== now.seq) return s
  if (!s.read.has(log)) s = readUpTo(s, log, now.messageCount - 1) // nothing was unread before it, or a list had told
  return { ...s, bell: put(s.bell, log, { ...n, messageCount: now.messageCount }) }
}
