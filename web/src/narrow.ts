import { useSyncExternalStore } from 'react'

// The width at which styles/shell.css shows one pane at a time.
const query = matchMedia('(width <= 680px)')

function subscribe(changed: () => void) {
  query.addEventListener('change', changed)
  return () => query.removeEventListener('change', changed)
}

/** Whether one pane is shown at a time. */
export const useNarrow = () => useSyncExternalStore(subscribe, () => query.matches)
