import type { Message } from '@tidings/client'
import { expect, test } from 'vitest'
import { type Row, toRows } from './rows'

const start = new Date(2026, 0, 1, 12).getTime() // local, as days are
const message = (seq: number, sender: number, minutes: number): Message => ({
  id: String(seq),
  seq,
  sender: { id: sender, username: `u${sender}`, displayName: `U${sender}` },
  content: `text ${seq}`,
  createdAt: new Date(start + minutes * 60_000).toISOString(),
})

/** A row in short: what it is, and whether a run begins (<) or ends (>) with it. */
const short = (r: Row) => (r.kind === 'message' ? `${r.first ? '<' : ''}${r.content}${r.last ? '>' : ''}` : r.kind)
const rows = (messages: Message[], newFrom?: number) => toRows('c:1-2', 1, messages, [], newFrom).map(short)

test('RunsOfOneAuthor', () =>
  expect(rows([message(2, 1, 0), message(3, 1, 4), message(4, 2, 5), message(5, 2, 11)])).toEqual([
    'day',
    '<text 2',
    'text 3>',
    '<text 4>',
    '<text 5>',
  ]))

test('Days', () =>
  expect(rows([message(2, 1, 0), message(3, 1, 24 * 60)])).toEqual(['day', '<text 2>', 'day', '<text 3>']))

test('NewLine', () =>
  expect(rows([message(2, 2, 0), message(3, 2, 1)], 3)).toEqual(['day', '<text 2>', 'new', '<text 3>']))

test('OutgoingStandsLast', () => {
  const out = { key: 'k', content: 'on its way', createdAt: message(9, 1, 2).createdAt }
  const got = toRows('c:1-2', 1, [message(2, 1, 0)], [out], undefined)
  expect(got.map(short)).toEqual(['day', '<text 2', 'on its way>'])
  expect(got.at(-1)).toMatchObject({ key: 'k', message: undefined, author: 1 })
})

test('Nothing', () => expect(rows([])).toEqual([]))
