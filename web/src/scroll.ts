import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react'

/** How near to the end counts as being there, px. */
const near = 48

export interface Scroll {
  ref: RefObject<HTMLElement | null>
  onScroll: () => void
  /** Whether the newest is in view, so that the page follows what comes. */
  atEnd: boolean
  /** The same at this moment; atEnd is that of the last rendering. */
  isAtEnd: () => boolean
  toEnd: (smooth?: boolean) => void
}

/**
 * Keeps the place in a list (the ol in what scrolls) whose newest is at the bottom: at the end it follows what comes,
 * elsewhere what is read stays where it is, whatever is put above it or taken away. The browser's own anchoring is off
 * (see .scroller), since not all browsers have it.
 *
 * @param content Changes whenever the list does.
 */
export function useScroll(content: unknown): Scroll {
  const ref = useRef<HTMLElement>(null)
  const [atEnd, setAtEnd] = useState(true)
  const end = useRef(true)
  const anchor = useRef<Anchor>(undefined)
  const measured = useRef(0) // the scrollTop of that moment

  const measure = useCallback(() => {
    const el = ref.current
    if (!el) return
    measured.current = el.scrollTop
    end.current = toBottom(el) < near
    anchor.current = end.current ? undefined : findAnchor(el)
    setAtEnd(end.current)
  }, [])

  const keep = useCallback(() => {
    const el = ref.current
    if (!el) return
    // Somebody may have scrolled whose event is still to come.
    const scrolled = el.scrollTop - measured.current
    if (end.current && (scrolled >= 0 || toBottom(el) < near)) el.scrollTop = el.scrollHeight
    else if (anchor.current?.row.isConnected) {
      el.scrollTop += topOf(anchor.current.row) - (anchor.current.top - scrolled)
    }
    measure()
  }, [measure])

  const toEnd = useCallback((smooth = false) => {
    const el = ref.current
    el?.scrollTo({ top: el.scrollHeight, behavior: smooth ? 'smooth' : 'instant' })
  }, [])

  const isAtEnd = useCallback(() => end.current, [])

  // biome-ignore lint/correctness/useExhaustiveDependencies: content is what it runs for
  useLayoutEffect(keep, [content, keep])

  // The window, the keyboard of a phone or the field below take room, and lines break elsewhere.
  useEffect(() => {
    const el = ref.current
    if (!el) return
    const observer = new ResizeObserver(keep)
    observer.observe(el)
    if (el.firstElementChild) observer.observe(el.firstElementChild)
    return () => observer.disconnect()
  }, [keep])

  return { ref, onScroll: measure, atEnd, isAtEnd, toEnd }
}

/** What somebody reads, and where in the window. */
interface Anchor {
  row: Element
  top: number
}

const toBottom = (el: Element) => el.scrollHeight - el.scrollTop - el.clientHeight

const topOf = (el: Element) => el.getBoundingClientRect().top

/** The first message that is in view. */
function findAnchor(el: HTMLElement): Anchor | undefined {
  const rows = el.querySelectorAll('.bubble') // rows have room above, which depends on who wrote before
  const edge = topOf(el)
  let [low, high] = [0, rows.length] // rows are in order: nine looks find one of three hundred
  while (low < high) {
    const middle = (low + high) >> 1
    if (rows[middle]!.getBoundingClientRect().bottom > edge) high = middle
    else low = middle + 1
  }
  const row = rows[low]
  return row && { row, top: topOf(row) }
}
