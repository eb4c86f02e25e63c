import { useSyncExternalStore } from 'react'

const events = ['focus', 'blur', 'pageshow', 'pagehide'] as const

function subscribe(changed: () => void) {
  for (const e of events) addEventListener(e, changed)
  document.addEventListener('visibilitychange', changed)
  return () => {
    for (const e of events) removeEventListener(e, changed)
    document.removeEventListener('visibilitychange', changed)
  }
}

/** Whether somebody looks at this page: what is on it now is seen. */
export const useAttention = () =>
  useSyncExternalStore(subscribe, () => document.visibilityState === 'visible' && document.hasFocus())
