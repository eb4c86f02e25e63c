import { expect, test } from 'vitest'
import { daysBefore, startOfDay } from './time'

// The day on which clocks go forward has 23 hours, wherever that is: counted in calendar days it is one.
test('DaysBefore', () => {
  const today = startOfDay(new Date(2026, 2, 30, 9))
  const iso = (...d: [number, number, number, number]) => new Date(...d).toISOString()
  expect(daysBefore(iso(2026, 2, 30, 0), today)).toBe(0)
  expect(daysBefore(iso(2026, 2, 30, 23), today)).toBe(0)
  expect(daysBefore(iso(2026, 2, 29, 23), today)).toBe(1)
  expect(daysBefore(iso(2026, 2, 28, 1), today)).toBe(2)
  expect(daysBefore(iso(2025, 2, 30, 1), today)).toBe(365)
  expect(daysBefore(iso(2026, 2, 31, 1), today)).toBe(-1) // a clock that is ahead
})
