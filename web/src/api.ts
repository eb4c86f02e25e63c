import { QueryClient } from '@tanstack/react-query'
import { createTidings, TidingsError } from '@tidings/client'
import type { AppEvent } from './state/apply'

/** The service, at this page's origin. */
export const tidings = createTidings()

/** What an event makes of the data of a query. */
export type Apply<T> = (data: T, event: AppEvent) => T

declare module '@tanstack/react-query' {
  interface Register {
    queryMeta: { apply?: (data: never, event: AppEvent) => unknown }
  }
}

/**
 * What was fetched. Nothing in it grows old: it is fetched once and then lives from events (see live.ts), so there is
 * no reason ever to ask again but a `reset`.
 */
export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: Number.POSITIVE_INFINITY,
      gcTime: 10 * 60_000,
      refetchOnWindowFocus: false,
      refetchOnReconnect: false,
      refetchInterval: false,
      retry: false, // the client has tried again already
      networkMode: 'always',
      structuralSharing: false, // reducers keep what has not changed
    },
    mutations: { networkMode: 'always' },
  },
})

const advice: Record<string, string> = {
  network: 'No connection to the service. Check your network, then try again.',
  http: 'The service did not answer as it should. Try again in a moment.',
  internal: 'Something went wrong on our side. Try again in a moment.',
  name_owner_first: 'Hand the group over to somebody before you leave: it is too large to choose for you.',
  not_friends: 'Only friends can be written to or added here. Send a friend request first.',
}

/** An error as people can act on it. */
export function explain(error: unknown): string {
  if (!(error instanceof TidingsError)) return 'Something went wrong. Reload the page and try again.'
  const wait = error.retryAfter && error.retryAfter > 2000 ? ` Wait ${duration(error.retryAfter)}.` : ''
  const fields = error.errors.map((f) => f.message).join(' ')
  return (advice[error.code] ?? (fields || error.message)) + wait
}

function duration(ms: number): string {
  const [n, unit] =
    ms < 90_000 ? [ms / 1000, 'second'] : ms < 5_400_000 ? [ms / 60_000, 'minute'] : [ms / 3_600_000, 'hour']
  return new Intl.NumberFormat(undefined, {
    style: 'unit',
    unit,
    unitDisplay: 'long',
    maximumFractionDigits: 0,
  }).format(Math.ceil(n as number))
}
