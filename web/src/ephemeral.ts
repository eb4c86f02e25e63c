import type { TidingsError, UserRef } from '@tidings/client'
import type { AppEvent } from './state/apply'
import { type Log, logOf } from './state/place'
import { watched } from './watched'

// What is told at most once and worth nothing later: who is writing, who has read how far, what could not be sent.

type ByLog<T> = Readonly<Partial<Record<Log, readonly T[]>>>

/** Writing is told every 3 seconds; it holds a little longer. */
const writingLasts = 6000

const writing = watched<ByLog<UserRef>>({})
const timers = new Map<string, ReturnType<typeof setTimeout>>()
const nobody: readonly UserRef[] = []

/** Who is writing in a place. */
export const useWriting = (log: Log) => writing.use((all) => all[log] ?? nobody)

function setWriting(log: Log, user: UserRef, on: boolean) {
  const key = `${log} ${user.id}`
  clearTimeout(timers.get(key))
  timers.delete(key)
  const before = writing.get()[log] ?? nobody
  if (on)
    timers.set(
      key,
      setTimeout(() => setWriting(log, user, false), writingLasts),
    )
  if (on === before.some((u) => u.id === user.id)) return
  writing.set({ ...writing.get(), [log]: on ? [...before, user] : before.filter((u) => u.id !== user.id) })
}

/** How far a member has read. */
export interface Receipt {
  userId: number
  /** The seq of the newest message that was read. */
  seq: number
}

const receipts = watched<ByLog<Receipt>>({})
const none: readonly Receipt[] = []

/** How far the others of a place have read, as far as that was told since the page was opened. */
export const useReceipts = (log: Log) => receipts.use((all) => all[log] ?? none)

function setReceipt(log: Log, userId: number, seq: number) {
  const before = receipts.get()[log] ?? none
  const old = before.find((r) => r.userId === userId)
  if (old && old.seq >= seq) return
  receipts.set({ ...receipts.get(), [log]: [...before.filter((r) => r !== old), { userId, seq }] })
}

/** Takes an event of the stream. */
export function receive(e: AppEvent) {
  switch (e.type) {
    case 'typing':
      setWriting(logOf(e.data), e.data.user, true)
      break
    case 'message': {
      const { sender, seq } = e.data.message
      setWriting(logOf(e.data), sender, false)
      setReceipt(logOf(e.data), sender.id, seq) // who writes has read
      break
    }
    case 'receipt':
      setReceipt(logOf(e.data), e.data.userId, Number(e.data.messageId))
      break
  }
}

/** A message that was refused, with what its author needs to send it again. */
export interface Refused {
  key: string
  content: string
  createdAt: string
  error: TidingsError
}

const refused = watched<ByLog<Refused>>({})
const nothing: readonly Refused[] = []

export const useRefused = (log: Log) => refused.use((all) => all[log] ?? nothing)

export function addRefused(log: Log, item: Refused) {
  refused.set({ ...refused.get(), [log]: [...(refused.get()[log] ?? nothing), item] })
}

export function dropRefused(log: Log, key: string) {
  refused.set({ ...refused.get(), [log]: (refused.get()[log] ?? nothing).filter((r) => r.key !== key) })
}

export function forgetEphemeral() {
  for (const t of timers.values()) clearTimeout(t)
  timers.clear()
  writing.set({})
  receipts.set({})
  refused.set({})
}
