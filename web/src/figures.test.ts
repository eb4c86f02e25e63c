import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { percentile, perSecond, recent, record, span } from './figures'

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 })
})
afterEach(() => {
  vi.useRealTimers()
})

const heard = (type: string, made?: number) =>
  record({ type, data: made === undefined ? {} : { message: { createdAt: new Date(made).toISOString() } } })

test('Samples', () => {
  heard('message', Date.now() - 20)
  vi.advanceTimersByTime(1000)
  heard('typing')
  expect(recent(Date.now()).map((s) => [s.type, s.latency])).toEqual([
    ['message', 20],
    ['typing', undefined],
  ])
  vi.advanceTimersByTime(span)
  expect(recent(Date.now()).map((s) => s.type)).toEqual(['typing'])
  vi.advanceTimersByTime(1)
  expect(recent(Date.now())).toEqual([])
})

// This browser's clock is 5 s ahead of the service's: without its heartbeats, everything would seem to take that long.
test('ClocksThatDiffer', () => {
  record({ type: 'heartbeat', data: { ts: Date.now() - 5010 } })
  record({ type: 'heartbeat', data: { ts: Date.now() - 5000 } })
  heard('message', Date.now() - 5030)
  expect(recent(Date.now()).at(-1)?.latency).toBe(30)
})

describe('Percentile', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1)
  test('OK', () => expect([0.5, 0.95, 0.99, 1].map((p) => percentile(hundred, p))).toEqual([50, 95, 99, 100]))
  test('One', () => expect(percentile([7], 0.5)).toBe(7))
  test('None', () => expect(percentile([], 0.5)).toBeUndefined())
})

test('PerSecond', () => {
  const at = (ago: number) => ({ at: Date.now() - ago, type: 'x', latency: undefined })
  expect(perSecond([at(5000), at(2500), at(2001), at(999), at(0)], Date.now(), 3)).toEqual([2, 0, 2])
})
