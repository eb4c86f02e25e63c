import type { TidingsError } from '@tidings/client'
import { postRead } from './history'
import { foreseeRead } from './lists'
import type { Log } from './state/place'

/** Read marks are told at most this often for a place, ms. */
const pace = 2000

interface Mark {
  /** The newest message that the service has been told, or is being told, is read. */
  told: number
  wanted: number
  timer?: ReturnType<typeof setTimeout>
  next: number
}

const marks = new Map<Log, Mark>()

/** Marks a place as read up to a message, which is the count-th. This page shows it at once, others within 2 s. */
export function markRead(log: Log, seq: number, count: number) {
  foreseeRead(log, count)
  const m = marks.get(log) ?? { told: 0, wanted: 0, next: 0 }
  marks.set(log, m)
  if (seq <= m.wanted) return
  m.wanted = seq
  if (m.timer === undefined) m.timer = setTimeout(() => tell(log, m), Math.max(0, m.next - Date.now()))
}

function tell(log: Log, m: Mark) {
  clearTimeout(m.timer)
  delete m.timer
  if (m.told >= m.wanted) return
  m.told = m.wanted
  m.next = Date.now() + pace
  postRead(log, m.told).catch((e: TidingsError) => {
    const passes = e.status === 0 || e.status === 429 || e.status >= 500
    if (passes) m.told = 0 // tellMarks or the next mark tries again
  })
}

/** Tells what waits or could not be told: the page may be going, or the network is back. */
export function tellMarks() {
  for (const [log, m] of marks) tell(log, m)
}

export function forgetMarks() {
  for (const m of marks.values()) clearTimeout(m.timer)
  marks.clear()
}
