import type { GroupChat, GroupMember } from '@tidings/client'
import { describe, expect, test } from 'vitest'
import { applyToMembers, type Members, withPage } from './members'

const member = (id: number, joinedSeq = 1, role: GroupMember['role'] = 'member'): GroupMember => ({
  id,
  username: `u${id}`,
  displayName: `U${id}`,
  role,
  joinedSeq,
})
const group = (seq: number, ownerId = 1, id = 'G'): GroupChat => ({
  id,
  seq,
  ownerId,
  name: 'g',
  memberCount: 0,
  messageCount: 0,
  updatedAt: '2026-01-01T00:00:00.000Z',
})
const some: Members = { members: [member(1, 1, 'owner'), member(2)], next: undefined }
const apply = applyToMembers('G')
const ids = (m: Members) => m.members.map((x) => x.id)

const added = (seq: number, ...users: number[]) =>
  ({
    type: 'group_update',
    data: { groupChat: group(seq), change: 'members_added', members: users.map((u) => member(u)) },
  }) as const
const removed = (seq: number, user: number, ownerId = 1) =>
  ({
    type: 'group_update',
    data: { groupChat: group(seq, ownerId), change: 'member_removed', member: member(user) },
  }) as const

describe('Added', () => {
  test('InOrderOfIdsAsText', () => expect(ids(apply(some, added(5, 3, 10)))).toEqual([1, 10, 2, 3]))
  test('KnownAlready', () => expect(apply(some, added(1, 2))).toBe(some))
  test('OnAPageThatIsNotThere', () => {
    const first = { ...some, next: '/next' }
    expect(apply(first, added(5, 3))).toBe(first)
    expect(ids(apply(first, added(5, 10)))).toEqual([1, 10, 2])
  })
})

describe('Removed', () => {
  test('OK', () => expect(ids(apply(some, removed(5, 2)))).toEqual([1]))
  test('BeforeTheyCameBack', () => {
    const back = { ...some, members: [member(1, 1, 'owner'), member(2, 9)] }
    expect(apply(back, removed(5, 2))).toBe(back)
  })
  test('TheOwner', () => expect(apply(some, removed(5, 1, 2)).members).toEqual([member(2, 1, 'owner')]))
})

test('HandedOver', () => {
  const m = apply(some, { type: 'group_update', data: { groupChat: group(5, 2), change: 'owner_changed' } })
  expect(m.members.map((x) => x.role)).toEqual(['member', 'owner'])
})

test('AnotherGroup', () => {
  const e = { type: 'group_update', data: { groupChat: group(5, 2, 'H'), change: 'owner_changed' } } as const
  expect(apply(some, e)).toBe(some)
})

test('NextPage', () => {
  const m = withPage({ ...some, next: '/next' }, { members: [member(2), member(3)], links: {} })
  expect(ids(m)).toEqual([1, 2, 3])
  expect(m.next).toBeUndefined()
})
