import { useSyncExternalStore } from 'react'

// Formatters are dear to make and cheap to use. All follow the browser's language and zone.
const clock = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' })
const weekday = new Intl.DateTimeFormat(undefined, { weekday: 'short' })
const dayMonth = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' })
const dayMonthYear = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', year: 'numeric' })
const longDay = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' })
const longDayYear = new Intl.DateTimeFormat(undefined, {
  weekday: 'long',
  day: 'numeric',
  month: 'long',
  year: 'numeric',
})
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' })
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' })

const day = 86_400_000

/** The time of day. */
export const formatClock = (iso: string) => clock.format(new Date(iso))

/** Day and time in full, for who wants to know. */
export const formatExact = (iso: string) => exact.format(new Date(iso))

/** How many calendar days lie between a time and a day's beginning. */
export function daysBefore(iso: string, today: number): number {
  return Math.round((today - startOfDay(new Date(iso))) / day) // rounded: some days have 23 or 25 hours
}

/** A time as lists show it: short, and precise enough for its age. */
export function formatShort(iso: string, today: number): string {
  const days = daysBefore(iso, today)
  const date = new Date(iso)
  if (days <= 0) return clock.format(date)
  if (days === 1) return capital(relative.format(-1, 'day'))
  if (days < 7) return weekday.format(date)
  return date.getFullYear() === new Date(today).getFullYear() ? dayMonth.format(date) : dayMonthYear.format(date)
}

/** A day as it stands between messages. */
export function formatDay(iso: string, today: number): string {
  const days = daysBefore(iso, today)
  const date = new Date(iso)
  if (days <= 1) return capital(relative.format(-Math.max(0, days), 'day'))
  return date.getFullYear() === new Date(today).getFullYear() ? longDay.format(date) : longDayYear.format(date)
}

const capital = (s: string) => s.charAt(0).toLocaleUpperCase() + s.slice(1)

export function startOfDay(date: Date): number {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime()
}

/** The beginning of the present day, in Unix ms; components that use it render again at midnight. */
export const useToday = () => useSyncExternalStore(onMidnight, () => startOfDay(new Date()))

// One timer for all who want to know, and a look whenever the page is: timers stand still while the machine sleeps.
const listeners = new Set<() => void>()
let timer: ReturnType<typeof setTimeout> | undefined

function onMidnight(listener: () => void) {
  if (listeners.size === 0) {
    document.addEventListener('visibilitychange', tell)
    wait()
  }
  listeners.add(listener)
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0) return
    document.removeEventListener('visibilitychange', tell)
    clearTimeout(timer)
  }
}

function wait() {
  const now = new Date()
  const next = new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1).getTime()
  timer = setTimeout(
    () => {
      tell()
      wait()
    },
    next - now.getTime() + 50,
  )
}

function tell() {
  for (const l of listeners) l()
}
