import type { Message } from '@tidings/client'
import { type Outgoing, rowKey } from './outgoing'
import type { Log } from './state/place'
import { startOfDay } from './time'

/** One line of a place's messages. */
export type Row =
  | { kind: 'day'; key: string; at: string }
  | { kind: 'new'; key: string }
  | {
      kind: 'message'
      key: string
      /** One's own that isn't among the others yet has no message. */
      message: Message | undefined
      outgoing: Outgoing | undefined
      author: number
      content: string
      createdAt: string
      /** Whether it begins and ends what one person wrote in one go. */
      first: boolean
      last: boolean
    }

type MessageRow = Extract<Row, { kind: 'message' }>

/** Messages of one author that lie closer together stand together. */
const together = 5 * 60_000

/**
 * The lines of a place: its messages, what is on its way, the days between them and where the new ones begin.
 *
 * @param newFrom The seq of the first new message.
 */
export function toRows(
  log: Log,
  me: number,
  messages: readonly Message[],
  outgoing: readonly Outgoing[],
  newFrom: number | undefined,
): Row[] {
  const rows: Row[] = []
  let before: MessageRow | undefined
  const add = (row: MessageRow, isNew: boolean) => {
    const at = new Date(row.createdAt)
    const newDay = !before || startOfDay(new Date(before.createdAt)) !== startOfDay(at)
    if (newDay) rows.push({ kind: 'day', key: `day ${startOfDay(at)}`, at: row.createdAt })
    if (isNew) rows.push({ kind: 'new', key: 'new' })
    if (
      before &&
      before.author === row.author &&
      !newDay &&
      !isNew &&
      at.getTime() - new Date(before.createdAt).getTime() < together
    ) {
      before.last = false
      row.first = false
    }
    rows.push(row)
    before = row
  }
  for (const m of messages) {
    const { content, createdAt, sender } = m
    const key = rowKey(log, m)
    const row = { message: m, outgoing: undefined, author: sender.id, content, createdAt, first: true, last: true }
    add({ kind: 'message', key, ...row }, m.seq === newFrom)
  }
  for (const o of outgoing) {
    const { key, content, createdAt } = o
    const row = { message: undefined, outgoing: o, author: me, content, createdAt, first: true, last: true }
    add({ kind: 'message', key, ...row }, false)
  }
  return rows
}
