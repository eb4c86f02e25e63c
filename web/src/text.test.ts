import { describe, expect, test } from 'vitest'
import { isEmoji, splitLinks } from './text'

const links = (text: string) => splitLinks(text).flatMap((p) => p.href ?? [])

describe('Links', () => {
  test('OK', () =>
    expect(links('see https://example.org/a?b=c#d and http://x.test')).toEqual([
      'https://example.org/a?b=c#d',
      'http://x.test',
    ]))
  test('WithoutWhatEndsTheSentence', () =>
    expect(links('(https://example.org/a), “https://example.org/b”. https://example.org/c!')).toEqual([
      'https://example.org/a',
      'https://example.org/b',
      'https://example.org/c',
    ]))
  test('NothingElse', () =>
    expect(links('javascript:alert(1) data:text/html,x ftp://x.test https:// //x.test <b>')).toEqual([]))
  test('KeepsAllText', () => {
    const text = 'a https://example.org b\nhttps://[bad c'
    expect(
      splitLinks(text)
        .map((p) => p.text)
        .join(''),
    ).toBe(text)
  })
})

describe('Emoji', () => {
  test.each(['🎉', '👩‍👩‍👧‍👦', '🇫🇷 👍🏽', '❤️'])('%s', (s) => expect(isEmoji(s)).toBe(true))
  test.each(['', '1', '#', 'a🎉', '🎉🎉🎉🎉', ':-)'])('not %s', (s) => expect(isEmoji(s)).toBe(false))
})
