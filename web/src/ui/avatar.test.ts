import { expect, test } from 'vitest'
import { initials } from './avatar'

test.each([
  ['Ada Lovelace', 'AL'],
  ['bob', 'B'],
  ['  mary-jane  watson ', 'MW'],
  ['نور الهدى', 'نا'],
  ['👩‍🚀 Zoë', '👩‍🚀Z'],
  ['', ''],
])('%s', (name, want) => expect(initials(name)).toBe(want))
