import { createTidings, type Tidings } from '@tidings/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AppEvent, apply } from '../src/state/apply'
import { bellItems, bellUnread } from '../src/state/bell'
import { fromLists, type Lists } from '../src/state/lists'
import { logOfPlace } from '../src/state/place'
import type { State } from '../src/state/state'
import { friendsByName, incoming, listedPlaces, outgoing, unreadOf } from '../src/state/view'
import { type Api, Service, until } from './harness'

// The promise that the app stands on: lists fetched after `ready`, plus the events since, are the lists fetched later.
// People do things at random; the lists are fetched in the middle of it.

let service: Service

beforeAll(async () => {
  service = await Service.start()
})
afterAll(() => service?.stop())

/** A random number generator that can be repeated. */
function random(seed: number) {
  return (n: number) => {
    seed = (seed * 1664525 + 1013904223) >>> 0
    return Math.floor((seed / 2 ** 32) * n)
  }
}

async function fetchLists(client: Tidings): Promise<Lists> {
  const [conversations, groupChats, notifications, friends, requests] = await Promise.all([
    client.conversations.list(),
    client.groupChats.list(),
    client.notifications.list({ limit: 100 }),
    client.friends.list({ limit: 100 }),
    client.friends.requests(),
  ])
  return { conversations, groupChats, notifications, friends: friends.friends, requests }
}

/** What the page would show. */
function shown(s: State) {
  return {
    places: listedPlaces(s, 'all', '').map((p) => {
      const { readCount: _, unreadCount: __, ...rest } = p
      return { log: logOfPlace(p), unread: unreadOf(s, p), ...rest }
    }),
    bell: bellItems(s).map((i) => ({ id: i.notification.id, log: i.log, count: i.count, read: i.read })),
    unread: bellUnread(s),
    friends: friendsByName(s),
    incoming: incoming(s),
    outgoing: outgoing(s),
  }
}

/** Does something at random; what the service refuses is no matter. */
async function act(people: Api[], pick: (n: number) => number) {
  const who = people[pick(people.length)]!
  const whom = people[pick(people.length)]!
  const list = async (path: string, name: string) => (await who.call('GET', path))[name] as { id: string }[]
  const some = <T>(all: T[]): T | undefined => all[pick(all.length)]
  const newest = async (path: string) => (await who.call('GET', `${path}/messages?limit=1`)).messages[0]
  switch (pick(14)) {
    case 0:
      return who.open(whom)
    case 1:
    case 2:
    case 3: {
      const c = some(await list('/api/conversations', 'conversations'))
      return c && who.say(c.id, `text ${pick(1000)}`)
    }
    case 4:
    case 5: {
      const g = some(await list('/api/groupchats', 'groupChats'))
      return g && who.call('POST', `/api/groupchats/${g.id}/messages`, { content: `text ${pick(1000)}` })
    }
    case 6:
      return who.group(`group ${pick(1000)}`, whom)
    case 7: {
      const g = some(await list('/api/groupchats', 'groupChats'))
      return g && who.call('POST', `/api/groupchats/${g.id}/members`, { userIds: [whom.id] })
    }
    case 8: {
      const g = some(await list('/api/groupchats', 'groupChats'))
      return g && who.call('DELETE', `/api/groupchats/${g.id}/members/${(pick(2) ? who : whom).id}`)
    }
    case 9: {
      const g = some(await list('/api/groupchats', 'groupChats'))
      return (
        g &&
        who.call('PATCH', `/api/groupchats/${g.id}`, pick(2) ? { name: `new ${pick(1000)}` } : { ownerId: whom.id })
      )
    }
    case 10:
      return who.call('POST', '/api/friends/request', { userId: whom.id })
    case 11: {
      const r = some(await list('/api/friends/request', 'incoming'))
      return r && who.call('PUT', `/api/friends/request/${r.id}`, { action: pick(3) ? 'accept' : 'decline' })
    }
    case 12: {
      const n = some(await list('/api/notifications', 'notifications'))
      if (pick(4) === 0) return who.call('POST', '/api/notifications/read-all', {})
      return n && who.call('PUT', `/api/notifications/${n.id}`, { read: true })
    }
    default: {
      const c = some(await list('/api/conversations', 'conversations'))
      const m = c && (await newest(`/api/conversations/${c.id}`))
      return m && who.call('POST', `/api/conversations/${c.id}/read`, { messageId: m.id })
    }
  }
}

test.each([1, 2, 3, 4, 5, 6])('ListsAndEvents/seed %i', async (seed) => {
  const pick = random(seed)
  const people = await Promise.all(['ann', 'ben', 'cat', 'dan'].map((n) => service.as(`${n}-${seed}`)))
  const me = people[0]!
  const client = createTidings({ url: service.url, token: me.token, share: false })
  const events: AppEvent[] = []
  let ready = false
  client.events.on('ready', () => {
    ready = true
  })
  client.events.on('*', (e) => events.push(e as AppEvent))
  client.events.connect()
  await until('the stream is ready', () => ready)

  const acts = async (n: number) => {
    for (let i = 0; i < n; i++) await act(people, pick).catch(() => {})
  }
  await acts(25)
  // The lists are fetched while things happen: one may be older than another.
  const [lists] = await Promise.all([fetchLists(client), acts(5)])
  await acts(40)
  const marker = await me.group('marker')
  await until('the marker is told', () =>
    events.some((e) => e.type === 'group_update' && e.data.groupChat.id === marker),
  )

  const user = await client.session().then((s) => s.user)
  const lived = events.reduce(apply, fromLists(user, lists))
  const fetched = fromLists(user, await fetchLists(client))
  expect(shown(lived)).toEqual(shown(fetched))
  // An event that comes twice changes nothing.
  expect(shown(events.reduce(apply, lived))).toEqual(shown(fetched))
  client.events.disconnect()
})
