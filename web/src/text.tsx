import { Fragment, memo } from 'react'

// What ends a sentence belongs to the sentence, not to the address in it.
const link = /https?:\/\/[^\s<>"]+[^\s<>"'.,;:!?)\]}»”’]/giu

/** One to three emoji and nothing else. */
const emojiOnly = /^(?:\p{RGI_Emoji}\s*){1,3}$/v

export const isEmoji = (text: string) => text.length < 60 && emojiOnly.test(text)

/** Text that people wrote, with its links. It is never read as HTML. */
export const Text = memo(function Text({ text }: { text: string }) {
  const parts = splitLinks(text)
  if (parts.length === 1 && !parts[0]?.href) return text
  return parts.map(({ text, href, at }) =>
    href ? (
      <a key={at} href={href} target="_blank" rel="noopener noreferrer nofollow">
        {text}
      </a>
    ) : (
      <Fragment key={at}>{text}</Fragment>
    ),
  )
})

interface Part {
  text: string
  href?: string
  at: number
}

export function splitLinks(text: string): Part[] {
  const out: Part[] = []
  let at = 0
  for (const { 0: found, index } of text.matchAll(link)) {
    if (!URL.canParse(found)) continue
    if (index > at) out.push({ text: text.slice(at, index), at })
    out.push({ text: found, href: found, at: index })
    at = index + found.length
  }
  if (at < text.length) out.push({ text: text.slice(at), at })
  return out
}
