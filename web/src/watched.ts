import { useSyncExternalStore } from 'react'

/** A value that components may watch. */
export function watched<T>(initial: T) {
  let value = initial
  const listeners = new Set<() => void>()
  const subscribe = (listener: () => void) => {
    listeners.add(listener)
    return () => {
      listeners.delete(listener)
    }
  }
  return {
    get: () => value,
    set(next: T) {
      if (next === value) return
      value = next
      for (const l of listeners) l()
    },
    use: <S>(select: (value: T) => S): S => useSyncExternalStore(subscribe, () => select(value)),
  }
}
