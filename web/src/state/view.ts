import { type Log, logOfPlace, nameOf, type Place } from './place'
import { newestFirst, type State } from './state'

/** How many messages of a place are unread. */
export const unreadOf = (s: State, p: Place) => unreadIn(s, logOfPlace(p), p)

const unreadIn = (s: State, log: Log, p: Place) => Math.max(0, p.messageCount - (s.read.get(log) ?? 0))

/** All unread messages: the number in the page's title. */
export function unreadTotal(s: State): number {
  let n = 0
  for (const [log, p] of s.places) n += unreadIn(s, log, p)
  return n
}

const byTime = newestFirst<Place>(
  (p) => p.updatedAt,
  (p) => p.id,
)

export type PlaceFilter = 'all' | 'people' | 'groups'

/** The places of the sidebar, the newest change first. */
export function listedPlaces(s: State, filter: PlaceFilter, search: string): Place[] {
  const needle = search.trim().toLocaleLowerCase()
  return [...s.places.values()]
    .filter((p) => filter === 'all' || (filter === 'groups') === (p.kind === 'g'))
    .filter((p) => !needle || nameOf(p, s.me).toLocaleLowerCase().includes(needle))
    .sort(byTime)
}

/** The 1:1 conversation with a user, if there is one. */
export function conversationWith(s: State, userId: number): Log | undefined {
  const [a, b] = [s.me.id, userId].sort((x, y) => x - y)
  const log: Log = `c:${a}-${b}`
  return s.places.has(log) ? log : undefined
}

export const incoming = (s: State) => requests(s).filter((r) => r.to.id === s.me.id)
export const outgoing = (s: State) => requests(s).filter((r) => r.from.id === s.me.id)

const requests = (s: State) =>
  [...s.asked.values()].sort(
    newestFirst(
      (r) => r.createdAt,
      (r) => r.id,
    ),
  )

export const friendsByName = (s: State) =>
  [...s.friends.values()].sort((a, b) => a.user.displayName.localeCompare(b.user.displayName) || a.user.id - b.user.id)
