import { useEffect, useRef, useState } from 'react'

/** Rows that are drawn at once: more than any window holds. */
const step = 60

/**
 * Draws a long list as far as somebody has scrolled: what is given, cut to the rows that are wanted, and an element to
 * put below them, which wants more when it comes near.
 */
export function useGrowing<T>(all: readonly T[]): { some: readonly T[]; more: React.ReactNode } {
  const [wanted, setWanted] = useState(step)
  const rest = all.length > wanted
  return {
    some: rest ? all.slice(0, wanted) : all,
    more: rest && <More key={wanted} onNear={() => setWanted((n) => n + step)} />,
  }
}

function More({ onNear }: { onNear: () => void }) {
  const ref = useRef<HTMLLIElement>(null)
  const near = useRef(onNear)
  useEffect(() => {
    const el = ref.current
    if (!el) return
    const observer = new IntersectionObserver((seen) => seen.some((s) => s.isIntersecting) && near.current(), {
      root: el.closest('ul'),
      rootMargin: '800px 0px',
    })
    observer.observe(el)
    return () => observer.disconnect()
  }, [])
  return <li ref={ref} className="more" aria-hidden="true" />
}
