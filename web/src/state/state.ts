import type { Friend, FriendRequest, Notification, UserRef } from '@tidings/client'
import type { Log, Place } from './place'

/**
 * What the lists hold, joined. It is made from lists that were fetched after the stream's `ready`, and from there on
 * only events change it (see apply). Everything in it is immutable.
 */
export interface State {
  me: UserRef
  places: ReadonlyMap<Log, Place>
  /** By log: how many of its messages were read; also of logs that are not in a list yet. */
  read: ReadonlyMap<Log, number>
  /** By log: the newest message of others, whether read or not. */
  bell: ReadonlyMap<Log, Notification>
  /** The other notifications, by id. */
  stored: ReadonlyMap<string, Notification>
  /** Where the next page of notifications begins, if there is one. */
  older: string | undefined
  /** By user id. */
  friends: ReadonlyMap<number, Friend>
  /** Open friend requests of both directions, by id. */
  asked: ReadonlyMap<string, FriendRequest>
}

/** Sorts by a time in RFC 3339, the newest first, then by id: as the service sorts its lists. */
export function newestFirst<T>(time: (x: T) => string, id: (x: T) => string): (a: T, b: T) => number {
  return (a, b) => compare(time(b), time(a)) || compare(id(a), id(b))
}

/** By code unit: localeCompare would cost a hundred times as much. */
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

/** A copy of a map with one entry set, or the same map if it is that already. */
export function put<K, V>(map: ReadonlyMap<K, V>, key: K, value: V): ReadonlyMap<K, V> {
  return map.get(key) === value ? map : new Map(map).set(key, value)
}

/** A copy of a map without a key, or the same map if it has none. */
export function drop<K, V>(map: ReadonlyMap<K, V>, key: K): ReadonlyMap<K, V> {
  if (!map.has(key)) return map
  const out = new Map(map)
  out.delete(key)
  return out
}

/** The state with the read count of a log moved up; counts never go back. */
export function readUpTo(s: State, log: Log, count: number): State {
  return count > (s.read.get(log) ?? -1) ? { ...s, read: put(s.read, log, count) } : s
}
