import type { Query } from '@tanstack/react-query'
import type { EventStream } from '@tidings/client'
import { type Apply, queries } from './api'
import { receive } from './ephemeral'
import { record } from './figures'
import { noteEvent } from './outgoing'
import { tellMarks } from './reading'
import type { AppEvent } from './state/apply'

/** The events that came while an answer is under way, for each that is. */
const underWay = new Set<AppEvent[]>()

/**
 * Fetches something that events change, and applies to it what came meanwhile: the answer may be older than that, or
 * newer, which apply tells by seq.
 */
export async function joined<T>(fetch: () => Promise<T>, apply: Apply<T>): Promise<T> {
  const since: AppEvent[] = []
  underWay.add(since)
  try {
    const data = await fetch()
    return since.reduce(apply, data)
  } finally {
    underWay.delete(since)
  }
}

/** Applies an event to everything that has been fetched. */
export function dispatch(event: AppEvent) {
  for (const since of underWay) since.push(event)
  for (const query of queries.getQueryCache().getAll()) {
    const apply = query.meta?.apply as Apply<unknown> | undefined
    if (!apply || query.state.data === undefined) continue
    const next = apply(query.state.data, event)
    if (next !== query.state.data) queries.setQueryData(query.queryKey, next)
  }
}

const isLive = (q: Query) => q.meta?.apply !== undefined

/** Keeps what has been fetched in step with the stream, until what it returns is called. */
export function listen(on: EventStream['on']): () => void {
  const ends = [
    on('*', (event) => {
      record(event)
      const e = event as AppEvent // or one of the stream itself, which changes nothing
      noteEvent(e)
      receive(e)
      dispatch(e)
    }),
    on('ready', () => {
      startedOnce()
      tellMarks()
      // What failed while the network was away; all the rest is up to date.
      void queries.refetchQueries({ type: 'active', predicate: (q) => q.state.status === 'error' })
    }),
    on('reset', () => {
      // Events are missing. What nobody looks at is forgotten, the rest fetched again; it stays on the screen meanwhile.
      queries.removeQueries({ type: 'inactive', predicate: isLive })
      // What is under way may have been read before the hole: it is of no use.
      void queries.cancelQueries({ predicate: isLive }).then(() => queries.refetchQueries({ predicate: isLive }))
    }),
  ]
  return () => {
    for (const end of ends) end()
  }
}

let startedOnce = () => {}

/** Resolves when the stream has been ready once: lists that are fetched earlier would miss what comes in between. */
export let started = new Promise<void>((resolve) => {
  startedOnce = resolve
})

/** Forgets everything but who is logged in: somebody else may be next at this browser. */
export function forget() {
  queries.removeQueries({ predicate: (q) => q.queryKey[0] !== 'session' })
  underWay.clear()
  started = new Promise((resolve) => {
    startedOnce = resolve
  })
}
