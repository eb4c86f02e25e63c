import type { UserRef } from '@tidings/client'
import { nameOf, other, type Place } from '../state/place'

type Size = 'small' | 'large'

interface Props {
  name: string
  /** What the colour is drawn from; the same for ever. */
  id: number | string
  group?: boolean
  size?: Size | undefined
}

/** The initials of somebody or something, whose name stands beside it. */
export function Avatar({ name, id, group, size }: Props) {
  return (
    <span aria-hidden="true" className={`avatar hue-${hue(id)} ${group ? 'group' : ''} ${size ?? ''}`}>
      {initials(name)}
    </span>
  )
}

export function PlaceAvatar({ place, me, size }: { place: Place; me: UserRef; size?: Size }) {
  const group = place.kind === 'g'
  return <Avatar name={nameOf(place, me)} id={group ? place.id : other(place, me).id} group={group} size={size} />
}

function hue(id: number | string): number {
  let h = 0
  for (const c of String(id)) h = (h * 31 + c.charCodeAt(0)) >>> 0
  return h % 8
}

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/** The first letters of the first and the last word, as people read letters. */
export function initials(name: string): string {
  const words = name.trim().split(/[\s._-]+/u)
  const first = (word: string | undefined) => (word ? [...graphemes.segment(word)][0]?.segment : undefined) ?? ''
  return (first(words[0]) + (words.length > 1 ? first(words.at(-1)) : '')).toLocaleUpperCase()
}
