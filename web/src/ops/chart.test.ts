import { expect, test } from 'vitest'
import { niceMax, path } from './chart'

test('NiceMax', () => expect([0, 0.4, 1, 1.1, 7, 20, 21, 999].map(niceMax)).toEqual([1, 1, 1, 2, 10, 20, 50, 1000]))

test('Path', () => {
  expect(path([0, 1, 2], 2)).toBe('M0 160L300 80L600 0')
  expect(path([0, undefined, 2], 2)).toBe('M0 160h0M600 0h0') // holes, and points on their own
  expect(path([], 1)).toBe('')
})
