import { TidingsError } from './problem.js'
import type { Source } from './source.js'

/** Why a stream is closed: `stopped` by this page (as it is at first), the others for good. */
export type CloseReason = 'stopped' | 'unauthorized' | 'revoked' | 'other_user' | 'refused' | 'lost'

/** Where the stream stands. */
export type StreamState =
  | { readonly status: 'connecting' }
  /** The position is fixed: lists that are fetched now and the events from here on join without a gap. */
  | { readonly status: 'open' }
  /** Lost; `until` is when it is tried again (Unix ms). */
  | { readonly status: 'waiting'; readonly until: number }
  /** `detail` is the service's word: logout, expired, deleted, replaced, or a status. */
  | { readonly status: 'closed'; readonly reason: CloseReason; readonly detail?: string | undefined }

export interface ConnectionOptions {
  /** Whether a lost stream is opened again. */
  autoReconnect: boolean
  /** The first delay in ms; it doubles with each failure up to 30 s, and a random half of it is taken off. */
  reconnectDelay: number
}

export const closed = (reason: CloseReason, detail?: string): StreamState => ({
  status: 'closed',
  reason,
  detail,
})

/** Whether asking again is of no use: a 4xx, but for the time-out and the limit. */
export function isFinal(status = 0): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 429
}

/** Whom a connection tells, and who knows what it needs. */
export interface Host {
  readonly options: ConnectionOptions
  /** Where to connect, position included. */
  url(): string
  /** Whose session it is: the user's id, or a TidingsError. */
  identify(): Promise<number>
  readonly userId: number | undefined
  frame(name: string, data: string, id: string): void
  state(s: StreamState): void
  error(e: TidingsError): void
}

/** What runs a stream: a connection of this page, or the share in one of another tab. */
export interface Link {
  start(): void
  stop(): void
  /** Something has changed (the machine woke, the network is back): look whether all is well; `now`: don't trust it. */
  wake(now: boolean): void
  /** The session is over: stop, and tell whoever shares it. */
  end(state: StreamState): void
}

const SILENCE = 75_000 // three heartbeats of 25 s
const DOUBTFUL = 45_000 // on waking: a heartbeat comes at least every 30 s
const STABLE = 60_000 // a stream that held this long starts the back-off anew
const LONGEST = 30_000
const LOOK = 5_000 // timers stand still while the machine sleeps, the clock doesn't

/** The n-th delay: jittered, so that clients that were cut off together don't come back together. */
export function backoff(first: number, n: number): number {
  return Math.round(Math.min(LONGEST, first * 2 ** n) * (0.5 + Math.random() / 2))
}

/** Reads JSON; undefined when it is none. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The state machine over one stream after the other. */
export function createConnection(source: Source, host: Host): Link {
  let close: (() => void) | undefined // of the source; undefined: none
  let timer: ReturnType<typeof setTimeout> | undefined
  let run = 0 // what belongs to an earlier one is late
  let attempt = 0
  let heard = 0 // when the source last said something
  let opened = 0 // when it became ready; 0: not yet
  let until = 0 // when to connect again; 0: not waiting

  function drop() {
    run++
    clearTimeout(timer)
    close?.()
    close = undefined
    until = 0
  }

  function connect() {
    drop()
    const mine = run
    heard = Date.now()
    opened = 0
    host.state({ status: 'connecting' })
    if (mine !== run) return // a listener has stopped it
    close = source(host.url(), {
      frame: (name, data, id) => mine === run && frame(name, data, id),
      end: (status) => mine === run && ended(status),
    })
    look()
  }

  function look() {
    const now = Date.now()
    if (until && now >= until) return connect()
    if (!until && now - heard >= SILENCE) {
      lost()
      return host.error(new TidingsError('silent', 'No heartbeat for 75 s: does a proxy buffer?'))
    }
    timer = setTimeout(look, until ? Math.min(until - now, LOOK) : LOOK)
  }

  function frame(name: string, data: string, id: string) {
    const mine = run
    heard = Date.now()
    if (name === 'ready') {
      opened = heard
      host.state({ status: 'open' })
    }
    if (mine === run) host.frame(name, data, id)
    if (mine !== run || (name !== 'reconnect' && name !== 'revoked')) return
    const said = parse(data) as { delayMs?: number; reason?: string } | undefined
    if (name === 'reconnect') lost(Number(said?.delayMs) || 0)
    // The cookie may have been renewed since this stream was opened with it.
    else if (said?.reason === 'expired') void examine('expired')
    else over('revoked', said?.reason)
  }

  function ended(status?: number) {
    if (status === 0) void examine()
    else if (status === 401) over('unauthorized')
    else if (isFinal(status)) over('refused', `${status}`)
    else lost()
  }

  /** Tells a session that has ended from everything else, which time may heal. */
  async function examine(detail?: string) {
    drop()
    const mine = run
    host.state({ status: 'connecting' })
    const user = await host.identify().catch((e: TidingsError) => e)
    if (mine !== run) return
    if (typeof user === 'number') user === host.userId ? lost() : over('other_user')
    else if (user.status === 401) over(detail ? 'revoked' : 'unauthorized', detail)
    else lost()
  }

  function lost(delay?: number) {
    if (opened && Date.now() - opened >= STABLE) attempt = 0
    drop()
    if (!host.options.autoReconnect) return over('lost')
    until = Date.now() + (delay ?? backoff(host.options.reconnectDelay, attempt++))
    const mine = run
    host.state({ status: 'waiting', until })
    if (mine === run) look()
  }

  function over(reason: CloseReason, detail?: string) {
    drop()
    host.state(closed(reason, detail))
  }

  return {
    start: connect,
    stop: drop,
    wake(now) {
      if (until || (close && (now || Date.now() - heard >= DOUBTFUL))) connect()
    },
    end: drop,
  }
}
