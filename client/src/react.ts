'use client'

import {
  createContext,
  createElement,
  type ReactNode,
  useContext,
  useEffect,
  useRef,
  useSyncExternalStore,
} from 'react'
import { createTidings, type Tidings } from './client.js'
import type { StreamState } from './connection.js'
import type { EventName, Handler } from './event.js'
import type { TidingsError } from './problem.js'
import type { EventStream } from './stream.js'

export interface RealtimeOptions {
  /** The stream is open: also called for a component that comes when it is. */
  onConnect?: () => void
  /** It is no longer; `state` says what comes next. */
  onDisconnect?: (state: StreamState) => void
  /** What doesn't heal by itself: 401, a revoked session, a proxy that buffers, a handler that throws. */
  onError?: (error: TidingsError) => void
  /** Default: true. One stream serves the page, so the component that comes last decides. */
  autoReconnect?: boolean
  /** The first delay in ms. Default: 3000. */
  reconnectDelay?: number
}

export interface Realtime {
  on: EventStream['on']
  off: EventStream['off']
  isConnected: boolean
}

const Context = createContext<Tidings | undefined>(undefined)
let ofPage: Tidings | undefined

/** Gives the components below a client of your own making; without one they use the service at the page's origin. */
export function TidingsProvider(props: { client: Tidings; children?: ReactNode }): ReactNode {
  return createElement(Context.Provider, { value: props.client }, props.children)
}

/** The client of this page: the provider's, or one for the service at the page's origin. */
export function useTidings(): Tidings {
  const given = useContext(Context)
  if (given) return given
  // A server renders for many users: nothing of theirs may be kept there.
  if (typeof document === 'undefined') return createTidings()
  ofPage ??= createTidings()
  return ofPage
}

const users = new WeakMap<EventStream, number>()

/** How long a stream outlives its last component: changing the page mustn't close it. */
const LINGER = 1000

function hold(stream: EventStream, options: RealtimeOptions) {
  users.set(stream, (users.get(stream) ?? 0) + 1)
  stream.connect(options)
  return () => {
    users.set(stream, users.get(stream)! - 1)
    setTimeout(() => users.get(stream) || stream.disconnect(), LINGER)
  }
}

/**
 * Opens the live stream while a component uses it. All components share one, and
 * all tabs of the browser. `on` and `off` keep their identity, so effects may name them:
 *
 *     useEffect(() => on('message', show), [on])
 */
export function useRealtimeEvents(options: RealtimeOptions = {}): Realtime {
  const stream = useTidings().events
  const latest = useRef(options)
  useEffect(() => {
    latest.current = options
  })
  const { autoReconnect = true, reconnectDelay = 3000 } = options
  const isConnected = useSyncExternalStore(
    stream.subscribe,
    () => stream.state.status === 'open',
    () => false,
  )
  useEffect(() => {
    let connected = false
    const look = () => {
      const now = stream.state.status === 'open'
      if (now === connected) return
      connected = now
      if (now) latest.current.onConnect?.()
      else latest.current.onDisconnect?.(stream.state)
    }
    const ends = [stream.subscribe(look), stream.onError((e) => latest.current.onError?.(e))]
    look()
    return () => {
      for (const end of ends) end()
    }
  }, [stream])
  useEffect(() => hold(stream, { autoReconnect, reconnectDelay }), [stream, autoReconnect, reconnectDelay])
  return { on: stream.on, off: stream.off, isConnected }
}

/** Calls the handler, always the newest one, with each event of that type. Opens the stream as `useRealtimeEvents` does. */
export function useEvent<T extends EventName>(type: T, handler: Handler<T>): void {
  const stream = useTidings().events
  const latest = useRef(handler)
  useEffect(() => {
    latest.current = handler
  })
  useEffect(() => {
    const off = stream.on(type, (e) => latest.current(e))
    const release = hold(stream, {})
    return () => {
      off()
      release()
    }
  }, [stream, type])
}

/**
 * Calls `load` when lists must be fetched: once the stream is open, and again only
 * when it says that something was missed (reset). Between these, events tell all.
 */
export function useFetched(load: () => void): void {
  const fetched = useRef(false)
  useRealtimeEvents({
    onConnect() {
      if (!fetched.current) load()
      fetched.current = true
    },
  })
  useEvent('reset', load)
}

/** The stream's state, for a connection light. */
export function useStreamState(): StreamState {
  const stream = useTidings().events
  return useSyncExternalStore(
    stream.subscribe,
    () => stream.state,
    () => serverState,
  )
}
const serverState: StreamState = { status: 'connecting' }
