import type { Message } from '@tidings/client'
import { expect, test } from 'vitest'
import { firstUnread } from './newline'

const messages = [2, 3, 5, 8].map(
  (seq): Message => ({
    id: String(seq),
    seq,
    sender: { id: 2, username: 'bob', displayName: 'Bob' },
    content: '',
    createdAt: '2026-01-01T00:00:00.000Z',
  }),
)

test('FirstUnread', () => {
  expect(firstUnread(messages, true, undefined)).toBeUndefined()
  expect(firstUnread(messages, true, { seq: 8, unread: 0 })).toBeUndefined()
  expect(firstUnread(messages, true, { seq: 8, unread: 1 })).toBe(8)
  expect(firstUnread(messages, true, { seq: 5, unread: 2 })).toBe(3) // one has come since
  expect(firstUnread(messages, true, { seq: 8, unread: 5 })).toBeUndefined() // on an older page
  expect(firstUnread(messages, false, { seq: 8, unread: 5 })).toBe(2) // before one's own time
})
