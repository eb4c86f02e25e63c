import type { Conversation, GroupChat, LastMessage, Message, Notification, UserRef } from '@tidings/client'
import { describe, expect, test } from 'vitest'
import { type AppEvent, apply } from './apply'
import { bellItems, bellUnread } from './bell'
import { fromLists, type Lists, withNotifications, withPlace } from './lists'
import type { State } from './state'
import { conversationWith, friendsByName, incoming, listedPlaces, outgoing, unreadOf, unreadTotal } from './view'

const user = (id: number, name: string): UserRef => ({ id, username: name, displayName: name })
const alice = user(1, 'alice')
const bob = user(2, 'bob')
const carol = user(3, 'carol')

const at = (n: number) => new Date(Date.UTC(2026, 0, 1, 12, 0, n)).toISOString()

const conversation = (seq: number, more: Partial<Conversation> = {}): Conversation => ({
  id: '1-2',
  seq,
  members: [alice, bob],
  lastMessage: null,
  messageCount: 0,
  updatedAt: at(seq),
  ...more,
})

const group = (seq: number, more: Partial<GroupChat> = {}): GroupChat => ({
  id: 'G',
  seq,
  name: 'climbers',
  ownerId: 2,
  memberCount: 2,
  messageCount: 0,
  updatedAt: at(seq),
  ...more,
})

const message = (seq: number, sender: UserRef, content = `text ${seq}`): Message => ({
  id: String(seq),
  seq,
  sender,
  content,
  createdAt: at(seq),
})

const last = ({ content, ...m }: Message): LastMessage => ({ ...m, preview: content })

const notification = (id: string, kind: Notification['kind'], more: Partial<Notification> = {}): Notification => ({
  id,
  seq: Number(id.split('/')[1]),
  kind,
  actor: bob,
  preview: '',
  createdAt: at(Number(id.split('/')[1])),
  read: false,
  ...more,
})

const empty: Lists = {
  conversations: [],
  groupChats: [],
  notifications: { notifications: [], unreadCount: 0, links: {} },
  friends: [],
  requests: { incoming: [], outgoing: [] },
}

const start = (lists: Partial<Lists> = {}) => fromLists(alice, { ...empty, ...lists })
const play = (s: State, ...events: AppEvent[]) => events.reduce(apply, s)

/** What Alice's stream tells of the n-th message of Bob's. */
function told(seq: number, n: number): AppEvent[] {
  const m = message(seq, bob)
  return [
    { type: 'message', data: { conversationId: '1-2', message: m } },
    {
      type: 'notification',
      data: notification(`c:1-2/${seq}`, 'message', { conversationId: '1-2', messageId: m.id, preview: m.content }),
    },
    {
      type: 'conversation_update',
      data: { conversation: conversation(seq, { lastMessage: last(m), messageCount: n }), change: 'message' },
    },
  ]
}

/** What it tells of the n-th message, her own. */
const toldOwn = (seq: number, n: number): AppEvent => ({
  type: 'conversation_update',
  data: {
    conversation: conversation(seq, { lastMessage: last(message(seq, alice)), messageCount: n }),
    change: 'message',
    message: message(seq, alice),
  },
})

const created: AppEvent = { type: 'conversation_update', data: { conversation: conversation(1), change: 'created' } }
const place = (s: State, log: 'c:1-2' | 'g:G' = 'c:1-2') => s.places.get(log)!

describe('Messages', () => {
  test('CountAsUnread', () => {
    const s = play(start(), created, ...told(2, 1), ...told(3, 2))
    expect(unreadOf(s, place(s))).toBe(2)
    expect(unreadTotal(s)).toBe(2)
    expect(place(s).lastMessage?.preview).toBe('text 3')
    expect(bellItems(s).map((i) => [i.notification.id, i.count])).toEqual([['c:1-2/3', 2]])
    expect(bellUnread(s)).toBe(1)
  })

  test('AreReadByOnesOwn', () => {
    const s = play(start(), created, ...told(2, 1), toldOwn(3, 2))
    expect(unreadOf(s, place(s))).toBe(0)
    expect(bellItems(s)).toEqual([])
    expect(unreadOf(play(s, ...told(4, 3)), place(play(s, ...told(4, 3))))).toBe(1)
  })

  test('AreReadOnAnotherDevice', () => {
    const read: AppEvent = { type: 'read', data: { seq: 1, conversationId: '1-2', messageId: '2', readCount: 1 } }
    const s = play(start(), created, ...told(2, 1), ...told(3, 2), read)
    expect(unreadOf(s, place(s))).toBe(1)
    expect(bellItems(s)[0]?.count).toBe(1)
    // A mark never goes back.
    const older: AppEvent = { type: 'read', data: { seq: 2, conversationId: '1-2', messageId: '1', readCount: 0 } }
    expect(unreadOf(play(s, older), place(s))).toBe(1)
  })

  test('ThatTheListsReflectChangeNothing', () => {
    const m = message(3, bob)
    const s = start({
      conversations: [
        conversation(3, { lastMessage: last(m), messageCount: 2, readCount: 1, unreadCount: 1, memberSeq: 1 }),
      ],
      notifications: {
        notifications: [
          notification('c:1-2/3', 'message', { conversationId: '1-2', count: 1, messageCount: 2, readCount: 1 }),
        ],
        unreadCount: 1,
        links: {},
      },
    })
    const again = play(s, created, ...told(2, 1), ...told(3, 2))
    expect(place(again)).toEqual(place(s))
    expect(unreadOf(again, place(again))).toBe(1)
    expect(bellItems(again).map((i) => i.count)).toEqual([1])
  })

  test('FirstUnreadOfAnUnlistedPlace', () => {
    // Its notification came, but neither a list nor its creation: nothing before it can be unread.
    const s = play(start(), ...told(9, 5).slice(1))
    expect(bellItems(s)[0]?.count).toBe(1)
  })
})

describe('Groups', () => {
  const updated = (seq: number, change: string, more: object = {}, g: Partial<GroupChat> = {}): AppEvent =>
    ({ type: 'group_update', data: { groupChat: group(seq, g), change, ...more } }) as AppEvent

  test('JoinStartsAtTheCountOfTheMoment', () => {
    const s = play(start(), updated(7, 'members_added', { members: [alice] }, { messageCount: 5 }))
    expect(unreadOf(s, place(s, 'g:G'))).toBe(0)
    expect(place(s, 'g:G').memberSeq).toBe(7)
  })

  test('RenameKeepsTheRest', () => {
    const said = updated(3, 'message', {}, { lastMessage: last(message(3, bob)), messageCount: 1 })
    const s = play(
      start(),
      updated(1, 'created'),
      said,
      updated(4, 'renamed', {}, { name: 'readers', messageCount: 1 }),
    )
    expect(place(s, 'g:G')).toMatchObject({ name: 'readers', lastMessage: { preview: 'text 3' }, memberSeq: 1 })
  })

  test('RemovalOfOthersKeepsIt', () => {
    const s = play(start(), updated(1, 'created'), updated(2, 'member_removed', { member: carol }, { memberCount: 1 }))
    expect(place(s, 'g:G')).toMatchObject({ memberCount: 1 })
  })

  test('OwnRemovalTakesItAway', () => {
    const said: AppEvent = { type: 'notification', data: notification('g:G/2', 'group_message', { groupChatId: 'G' }) }
    const s = play(start(), updated(1, 'created'), said, updated(3, 'member_removed', { member: alice }))
    expect(s.places.size).toBe(0)
    expect(s.bell.size).toBe(0)
  })

  test('RemovalBeforeRejoiningIsOld', () => {
    const s = start({ groupChats: [group(9, { memberSeq: 8 })] })
    const again = play(s, updated(1, 'created'), updated(5, 'member_removed', { member: alice }))
    expect(place(again, 'g:G')).toEqual(place(s, 'g:G'))
    expect(play(s, updated(10, 'deleted')).places.size).toBe(0)
  })
})

describe('Friends', () => {
  const asked: AppEvent = {
    type: 'notification',
    data: notification('u:1/4', 'friend_request', { requestId: '2-1', preview: '' }),
  }
  const changed = (seq: number, change: string, more: object = {}): AppEvent =>
    ({ type: 'friends_changed', data: { seq, change, user: bob, createdAt: at(seq), ...more } }) as AppEvent

  test('RequestIsInBothLists', () => {
    const s = play(start(), asked)
    expect(incoming(s).map((r) => r.from)).toEqual([bob])
    expect(bellUnread(s)).toBe(1)
  })

  test('AcceptingReadsTheRequest', () => {
    const s = play(start(), asked, changed(5, 'accepted', { requestId: '2-1' }))
    expect(incoming(s)).toEqual([])
    expect(friendsByName(s).map((f) => f.user)).toEqual([bob])
    expect(bellItems(s).map((i) => i.read)).toEqual([true])
  })

  test('AcceptedByTheOther', () => {
    const s = play(start(), changed(2, 'requested', { requestId: '1-2' }))
    expect(outgoing(s).map((r) => r.to)).toEqual([bob])
    const then = play(s, {
      type: 'notification',
      data: notification('u:1/3', 'friend_accepted', { requestId: '1-2' }),
    })
    expect(outgoing(then)).toEqual([])
    expect(then.friends.get(2)?.since).toBe(at(3))
  })

  test('WithdrawnAndEnded', () => {
    expect(
      outgoing(
        play(start(), changed(2, 'requested', { requestId: '1-2' }), changed(3, 'withdrawn', { requestId: '1-2' })),
      ),
    ).toEqual([])
    const friends = start({ friends: [{ user: bob, seq: 6, since: at(6) }] })
    expect(play(friends, changed(7, 'unfriended')).friends.size).toBe(0)
    expect(play(friends, changed(5, 'unfriended')).friends.size).toBe(1) // of an earlier friendship
  })
})

describe('The bell', () => {
  const two = () =>
    start({
      notifications: {
        notifications: [notification('u:1/8', 'custom'), notification('u:1/5', 'custom')],
        unreadCount: 2,
        links: { older: '/older' },
      },
    })

  test('OneIsRead', () => {
    const s = play(two(), { type: 'notification_read', data: { seq: 9, ids: ['u:1/5'] } })
    expect(bellItems(s).map((i) => i.read)).toEqual([false, true])
  })

  test('AllBeforeAreRead', () => {
    const read: AppEvent = {
      type: 'notification_read',
      data: { seq: 7, all: true, reads: [{ conversationId: '1-2', messageId: '3', readCount: 2 }] },
    }
    const s = play(two(), created, ...told(2, 1), ...told(3, 2), read)
    expect(bellItems(s).map((i) => [i.notification.id, i.read])).toEqual([
      ['u:1/8', false],
      ['u:1/5', true],
    ])
  })

  test('OlderPageKeepsWhatEventsTold', () => {
    const s = play(two(), { type: 'notification_read', data: { seq: 9, ids: ['u:1/5'] } })
    const then = withNotifications(s, {
      notifications: [notification('u:1/5', 'custom'), notification('u:1/2', 'custom', { read: true })],
      unreadCount: 0,
      links: {},
    })
    expect(bellItems(then).map((i) => [i.notification.id, i.read])).toEqual([
      ['u:1/8', false],
      ['u:1/5', true],
      ['u:1/2', true],
    ])
    expect(then.older).toBeUndefined()
  })
})

describe('The sidebar', () => {
  const s = start({
    conversations: [conversation(1), conversation(5, { id: '1-3', members: [alice, user(3, 'Zoë')] })],
    groupChats: [group(3)],
  })

  test('NewestFirst', () => {
    expect(listedPlaces(s, 'all', '').map((p) => p.id)).toEqual(['1-3', 'G', '1-2'])
    expect(listedPlaces(s, 'people', '').map((p) => p.id)).toEqual(['1-3', '1-2'])
    expect(listedPlaces(s, 'groups', '').map((p) => p.id)).toEqual(['G'])
  })

  test('Search', () => {
    expect(listedPlaces(s, 'all', ' zo').map((p) => p.id)).toEqual(['1-3'])
    expect(listedPlaces(s, 'all', 'CLIMB').map((p) => p.id)).toEqual(['G'])
  })

  test('ConversationWith', () => {
    expect(conversationWith(s, 3)).toBe('c:1-3')
    expect(conversationWith(s, 4)).toBeUndefined()
  })
})

test('PlaceAheadOfItsEvent', () => {
  const s = withPlace(start(), { kind: 'c', ...conversation(1, { memberSeq: 1, readCount: 0 }) })
  expect(place(play(s, created, ...told(2, 1)))).toMatchObject({ seq: 2, messageCount: 1 })
  // One that was there has more to say than the answer of a request that was slow.
  const known = play(start(), created, ...told(2, 1))
  expect(withPlace(known, { kind: 'c', ...conversation(1) })).toBe(known)
})

test('UnknownTypesChangeNothing', () => {
  const s = start()
  expect(apply(s, { type: 'of_tomorrow', data: {} } as unknown as AppEvent)).toBe(s)
})
