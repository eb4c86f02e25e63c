import {
  type CloseReason,
  type ConnectionOptions,
  closed,
  createConnection,
  type Host,
  type Link,
  parse,
  type StreamState,
} from './connection.js'
import type { EventName, EventOf, Handler, ResetData } from './event.js'
import { createListeners, report } from './listeners.js'
import { TidingsError } from './problem.js'
import type { Source } from './source.js'
import { createTabs, type TabsEnv, type TabsHost } from './tabs.js'

/** What the package takes of the browser; a test gives each tab its own. */
export type Env = Partial<
  Pick<
    typeof globalThis,
    'EventSource' | 'BroadcastChannel' | 'localStorage' | 'document' | 'addEventListener' | 'removeEventListener'
  >
> & { navigator?: Partial<Pick<Navigator, 'locks' | 'onLine'>> }

/** The live stream of one user, shared by all parts of a page and by all tabs. */
export interface EventStream {
  /** Where the stream stands. A new object when it changes. */
  readonly state: StreamState
  /** Calls the listener after each change of `state`; what it returns ends that. */
  subscribe(listener: () => void): () => void
  /**
   * Calls the handler with each event of that type, each once and in order; `*` is all of them.
   * What it returns does the same as `off`.
   */
  on<T extends EventName>(type: T, handler: Handler<T>): () => void
  off<T extends EventName>(type: T, handler: Handler<T>): void
  /** Calls the listener with what doesn't heal by itself: the end of the session, a proxy that buffers, a handler that throws. */
  onError(listener: (error: TidingsError) => void): () => void
  /** Opens the stream, also after it was closed; nothing to do when it is open. */
  connect(options?: Partial<ConnectionOptions>): void
  /** Closes the stream of this page; `connect` goes on from where it was. */
  disconnect(): void
}

/** What only the client may do with its stream. */
export interface OwnStream extends EventStream {
  /** Whose stream it is: undefined until the service has told. */
  readonly userId: number | undefined
  /** Tells who is logged in now. */
  login(userId: number): void
  /** Closes the streams of all tabs: the session is over. */
  logout(): void
}

export interface StreamSetup {
  /** Where the stream is, selection included. */
  url: string
  source: Source
  env: Env
  /** Asks the service who is logged in. */
  identify(): Promise<number>
  userId?: number | undefined
  /** Whether tabs share one stream. */
  share: boolean
  /** Whether all tabs have the same session, as with a cookie. */
  together: boolean
}

const PROTOCOL = 1 // of the tabs: those with another version of this package don't understand each other
const REMEMBERED = 4096 // logs; a user is in at most 2,000 at a time

export function createStream(setup: StreamSetup): OwnStream {
  const { env } = setup
  const options: ConnectionOptions = { autoReconnect: true, reconnectDelay: 3000 }
  const handlers = new Map<string, { handler: (event: never) => void }[]>()
  const changes = createListeners<void>()
  const failures = createListeners<TidingsError>()
  const seen = new Map<string, number>() // the newest of each log
  let state: StreamState = closed('stopped')
  let userId = setup.userId
  let owner: number | undefined // of what follows
  let position = ''
  let link: Link | undefined
  let wanted = false // between connect and disconnect
  let away = false // in the back/forward cache, or frozen
  let ready = false // once: what is missed from then on is a gap
  let told = false // of the gap that this connection begins with

  function fail(error: TidingsError) {
    if (!failures.tell(error)) report(error)
  }

  function emit(type: string, event: object) {
    for (const h of [...(handlers.get(type) ?? []), ...(handlers.get('*') ?? [])]) {
      try {
        h.handler(event as never)
      } catch (cause) {
        fail(new TidingsError('handler', `A handler of ${type} has thrown`, 0, { cause }))
      }
    }
  }

  function reset(data: ResetData) {
    if (!told) emit('reset', { userId, type: 'reset', data })
    told = true
  }

  function frame(name: string, data: string, id: string) {
    position = id || position
    const said = parse(data)
    if (said === undefined) return fail(new TidingsError('malformed', `A ${name} that is no JSON`))
    if (name === 'message') {
      told = false
      for (const e of [said].flat()) event(e as EventOf<'*'>)
    } else if (name === 'reset') {
      seen.clear() // logs may begin anew, as after a restore
      reset(said as ResetData)
    } else {
      if (name === 'ready') {
        if (ready && !(said as { resumed: boolean }).resumed) reset({ reason: 'not_resumed' })
        ready = true
      } else told = false
      emit(name, { userId, type: name, data: said })
    }
  }

  function event(e: EventOf<'*'>) {
    if (!wanted || !e?.type) return
    if (e.userId !== userId) return end('other_user')
    if (e.eventId && !isNew(e.eventId)) return
    emit(e.type, e)
  }

  /**
   * A stream tells each log in order, so what isn't behind the newest of its log has
   * been seen: sent again after a reconnect, or by a tab that was behind when it took over.
   */
  function isNew(eventId: string): boolean {
    const [, log = '', seq, part] = /^(.*)\/(\d+)\/(\d+)$/.exec(eventId) ?? []
    if (!seq) return true // not of a kind that this version knows
    const n = Number(seq) * 16 + Number(part)
    const newest = seen.get(log) ?? 0
    if (n <= newest) return false
    seen.delete(log) // the one that was heard of last goes last
    seen.set(log, n)
    if (seen.size > REMEMBERED) seen.delete(seen.keys().next().value!)
    return true
  }

  function become(s: StreamState) {
    if (s.status === 'connecting') told = false
    state = s
    if (s.status === 'closed') {
      watch(false)
      const { reason, detail = '' } = s
      if (reason !== 'stopped') {
        if (reason !== 'lost') userId = owner = undefined // whoever comes next
        if (detail !== 'logout') {
          fail(
            new TidingsError(reason, `The stream has ended: ${reason} ${detail}`, reason === 'unauthorized' ? 401 : 0),
          )
        }
      }
    }
    changes.tell()
  }

  const host: TabsHost = {
    options,
    identify: setup.identify,
    get userId() {
      return userId
    },
    get position() {
      return position
    },
    url: () =>
      setup.url + (position && `${setup.url.includes('?') ? '&' : '?'}lastEventId=${encodeURIComponent(position)}`),
    frame,
    state: become,
    error: fail,
    join(p, gap) {
      position = p
      if (gap && ready) {
        told = false
        reset({ reason: 'not_resumed' })
      }
    },
  }

  function begin() {
    link?.stop()
    away = false
    watch(true)
    if (userId) return enter(userId)
    // Who it is decides with which tabs the stream is shared. That this is asked until
    // it is answered, and what a 401 means, is the same as for a stream.
    link = createConnection((_, to) => {
      let live = true
      setup.identify().then(
        (id) => live && enter(id),
        (e: TidingsError) => live && to.end(e.status || undefined),
      )
      return () => {
        live = false
      }
    }, host)
    link.start()
  }

  function enter(id: number) {
    link?.stop()
    if (id !== owner) {
      owner = id
      position = ''
      ready = false
      seen.clear()
    }
    userId = id
    const own = (h: Host) => createConnection(setup.source, h)
    link =
      setup.share && env.BroadcastChannel && env.navigator?.locks
        ? createTabs(`tidings:${PROTOCOL}:${setup.url}:${id}`, env as TabsEnv, host, own, setup.together)
        : own(host)
    link.start()
  }

  function end(reason: CloseReason, detail?: string) {
    link?.end(closed(reason, detail))
    become(closed(reason, detail))
  }

  function wake(now: boolean) {
    if (away) {
      away = false
      link?.start()
    } else link?.wake(now)
  }

  function sleep() {
    if (!away) link?.stop()
    away = true
  }

  function notice({ type, persisted }: Event & { persisted?: boolean }) {
    if (type === 'pagehide' || type === 'freeze') sleep()
    else if (type === 'online' || persisted) wake(true)
    else if (type === 'resume' || (type !== 'pageshow' && env.document?.visibilityState === 'visible')) wake(false)
  }

  function watch(on: boolean) {
    const how = on ? 'addEventListener' : 'removeEventListener'
    for (const name of ['online', 'pageshow', 'pagehide']) env[how]?.(name, notice)
    for (const name of ['visibilitychange', 'resume', 'freeze']) env.document?.[how](name, notice)
  }

  /** A handler that is registered twice is called twice, and goes one by one: components don't know of each other. */
  function remove(type: string, which: (h: { handler: unknown }) => boolean) {
    const list = handlers.get(type) ?? []
    const i = list.findIndex(which)
    if (i >= 0) list.splice(i, 1)
  }

  return {
    get state() {
      return state
    },
    get userId() {
      return userId
    },
    subscribe: changes.add,
    on(type, handler) {
      const entry = { handler }
      handlers.set(type, [...(handlers.get(type) ?? []), entry])
      return () => remove(type, (h) => h === entry)
    },
    off: (type, handler) => remove(type, (h) => h.handler === handler),
    onError: failures.add,
    connect(o) {
      Object.assign(options, o)
      wanted = true
      if (state.status === 'closed') begin()
    },
    disconnect() {
      wanted = false
      link?.stop()
      become(closed('stopped'))
    },
    login(id) {
      if (id === userId && state.status !== 'closed') return
      userId = id
      if (wanted) begin()
    },
    logout() {
      end('revoked', 'logout')
    },
  }
}
