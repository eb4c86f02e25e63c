import type { Message } from '@tidings/client'
import { describe, expect, test } from 'vitest'
import { fromPage, type History, rejoined, trimmed, withMessage, withOlder } from './history'

const message = (seq: number): Message => ({
  id: String(seq),
  seq,
  sender: { id: 1, username: 'a', displayName: 'A' },
  content: `text ${seq}`,
  createdAt: '2026-01-01T00:00:00.000Z',
})
const of = (...seqs: number[]): History => ({ messages: seqs.map(message), more: true })
const seqs = (h: History) => h.messages.map((m) => m.seq)
const page = (older: boolean, ...s: number[]) => ({ messages: s.map(message), links: older ? { older: '/x' } : {} })

describe('WithMessage', () => {
  test('Newest', () => expect(seqs(withMessage(of(3, 5), message(6)))).toEqual([3, 5, 6]))
  test('Known', () => {
    const h = of(3, 5)
    expect(withMessage(h, message(5))).toBe(h)
    expect(withMessage(h, message(3))).toBe(h)
  })
  test('Between', () => expect(seqs(withMessage(of(3, 5), message(4)))).toEqual([3, 4, 5]))
  test('OlderThanHeld', () => {
    const h = of(3, 5)
    expect(withMessage(h, message(2))).toBe(h) // a page away, with what lies between
    expect(seqs(withMessage({ ...h, more: false }, message(2)))).toEqual([2, 3, 5])
  })
  test('Empty', () => expect(seqs(withMessage({ messages: [], more: false }, message(2)))).toEqual([2]))
})

describe('WithOlder', () => {
  test('OK', () => {
    const h = withOlder(of(5, 6), page(false, 3, 4))
    expect(seqs(h)).toEqual([3, 4, 5, 6])
    expect(h.more).toBe(false)
  })
  test('Twice', () => expect(seqs(withOlder(withOlder(of(5), page(true, 3)), page(true, 3)))).toEqual([3, 5]))
})

describe('Rejoined', () => {
  test('KeepsWhatJoins', () => {
    const h = rejoined({ ...of(1, 2, 5, 6), more: false }, fromPage(page(true, 5, 6, 7)))
    expect(seqs(h)).toEqual([1, 2, 5, 6, 7])
    expect(h.more).toBe(false)
  })
  test('DropsWhatDoesNot', () => expect(seqs(rejoined(of(1, 2), fromPage(page(true, 5, 6))))).toEqual([5, 6]))
  test('First', () => expect(seqs(rejoined(undefined, fromPage(page(true, 5))))).toEqual([5]))
})

test('Trimmed', () => {
  const many = of(...Array.from({ length: 301 }, (_, i) => i + 1))
  expect(seqs(trimmed(many))[0]).toBe(102)
  expect(trimmed({ ...many, more: false }).more).toBe(true)
  const few = of(1, 2)
  expect(trimmed(few)).toBe(few)
})
