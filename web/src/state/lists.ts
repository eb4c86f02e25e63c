import type {
  Conversation,
  Friend,
  GroupChat,
  Notification,
  NotificationsAnswer,
  RequestsAnswer,
  UserRef,
} from '@tidings/client'
import { bellLog } from './bell'
import { type Log, logOfPlace, type Place } from './place'
import { put, readUpTo, type State } from './state'

/** The answers of the lists. */
export interface Lists {
  conversations: Conversation[]
  groupChats: GroupChat[]
  notifications: NotificationsAnswer
  friends: Friend[]
  requests: RequestsAnswer
}

export function fromLists(me: UserRef, lists: Lists): State {
  const places = new Map<Log, Place>()
  for (const c of lists.conversations) places.set(`c:${c.id}`, { kind: 'c', ...c })
  for (const g of lists.groupChats) places.set(`g:${g.id}`, { kind: 'g', ...g })
  const read = new Map<Log, number>()
  for (const p of places.values()) read.set(logOfPlace(p), p.readCount ?? 0)
  const { incoming, outgoing } = lists.requests
  const state: State = {
    me,
    places,
    read,
    bell: new Map(),
    stored: new Map(),
    older: undefined,
    friends: new Map(lists.friends.map((f) => [f.user.id, f])),
    asked: new Map([...incoming, ...outgoing].map((r) => [r.id, r])),
  }
  return withNotifications(state, lists.notifications)
}

/** Takes a place that a request has just opened, ahead of its event; one that is known already stays as it is. */
export function withPlace(s: State, place: Place): State {
  const log = logOfPlace(place)
  if (s.places.has(log)) return s
  const memberSeq = place.memberSeq ?? place.seq
  return { ...readUpTo(s, log, place.readCount ?? 0), places: put(s.places, log, { ...place, memberSeq }) }
}

/** Takes a page of notifications: the first, or one of older ones. What events have told already stays. */
export function withNotifications(s: State, page: NotificationsAnswer): State {
  for (const n of page.notifications) s = withNotification(s, n)
  return { ...s, older: page.links.older }
}

function withNotification(s: State, n: Notification): State {
  const log = bellLog(n)
  if (!log) return s.stored.has(n.id) ? s : { ...s, stored: put(s.stored, n.id, n) }
  s = readUpTo(s, log, n.readCount ?? 0)
  if ((s.bell.get(log)?.seq ?? 0) >= n.seq) return s
  return { ...s, bell: put(s.bell, log, n) }
}
