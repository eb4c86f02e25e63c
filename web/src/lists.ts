import { queryOptions, useQuery } from '@tanstack/react-query'
import type { Friend, FriendsAnswer, NotificationsAnswer, SessionAnswer, TidingsError } from '@tidings/client'
import { queries, tidings } from './api'
import { joined, started } from './live'
import { apply } from './state/apply'
import { fromLists, withNotifications, withPlace } from './state/lists'
import type { Log } from './state/place'
import { readUpTo, type State } from './state/state'

/** All lists as one: an event may change several of them. */
export const lists = queryOptions({
  queryKey: ['lists'],
  queryFn: async (): Promise<State> => {
    await started
    return joined(fetchLists, apply)
  },
  gcTime: Number.POSITIVE_INFINITY,
  meta: { apply },
})

async function fetchLists(): Promise<State> {
  const [who, conversations, groupChats, notifications, friends, requests] = await Promise.all([
    queries.ensureQueryData(session),
    tidings.conversations.list(),
    tidings.groupChats.list(),
    tidings.notifications.list({ limit: 100 }),
    allFriends(),
    tidings.friends.requests(),
  ])
  if (!who) throw new Error('nobody is logged in')
  return fromLists(who.user, { conversations, groupChats, notifications, friends, requests })
}

async function allFriends(): Promise<Friend[]> {
  let page = await tidings.friends.list({ limit: 100 })
  const all = page.friends
  while (page.links.next) {
    page = await tidings.follow<FriendsAnswer>(page.links.next)
    all.push(...page.friends)
  }
  return all
}

/** Who is logged in. */
export const session = queryOptions({
  queryKey: ['session'],
  queryFn: (): Promise<SessionAnswer | null> =>
    tidings.session().catch((e: TidingsError) => {
      if (e.status === 401) return null // nobody
      throw e
    }),
  gcTime: Number.POSITIVE_INFINITY,
})

/** A part of the lists. To be used where they are there: below the shell's gate. */
export function useLists<T>(select: (s: State) => T): T {
  const { data } = useQuery({ ...lists, select })
  return data as T
}

export const useMe = () => useLists((s) => s.me)

/** Changes the lists ahead of the event that will say the same. */
export function foresee(change: (s: State) => State) {
  queries.setQueryData(lists.queryKey, (s) => s && change(s))
}

/** Marks a place as read up to a count of its messages, on this page. */
export const foreseeRead = (log: Log, count: number) => foresee((s) => readUpTo(s, log, count))

/** Opens the conversation with somebody, and gives its log. */
export async function openConversation(userId: number): Promise<Log> {
  const c = await tidings.conversations.open(userId)
  foresee((s) => withPlace(s, { kind: 'c', ...c }))
  return `c:${c.id}`
}

/** Makes a group chat, and gives its log. */
export async function createGroup(name: string, memberIds: number[]): Promise<Log> {
  const g = await tidings.groupChats.create({ name, memberIds })
  foresee((s) => withPlace(s, { kind: 'g', ...g }))
  return `g:${g.id}`
}

/** Fetches the next page of older notifications. */
export async function loadOlderNotifications() {
  const link = queries.getQueryData(lists.queryKey)?.older
  if (!link) return
  const page = await tidings.follow<NotificationsAnswer>(link)
  foresee((s) => (s.older === link ? withNotifications(s, page) : s))
}
