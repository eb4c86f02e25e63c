import type { Host, Link, StreamState } from './connection.js'

/** What sharing takes of the browser. */
export interface TabsEnv {
  BroadcastChannel: typeof BroadcastChannel
  navigator: { locks: LockManager }
}

/** The stream that shares itself, as its tabs need it. */
export interface TabsHost extends Host {
  readonly position: string
  /** Takes the leader's position; `gap`: what lay between is lost. */
  join(position: string, gap: boolean): void
}

/** A frame as the leader passes it on. The positions make a chain, in which a missing link shows. */
interface Passed {
  k: 'frame'
  term: number
  prev: string
  id: string
  name: string
  data: string
}

type Said =
  | Passed
  | { k: 'hello'; from: string; id: string }
  | {
      k: 'welcome'
      term: number
      to: string
      from: string
      id: string
      state: StreamState
      frames?: Passed[] | undefined
    }
  | { k: 'state'; term: number; prev: string; state: StreamState }
  | { k: 'wake' }
  | { k: 'end'; state: StreamState }

const SILENCE = 75_000 // the leader passes heartbeats on
const ANSWER = 5_000 // what a tab needs to answer in, however slow the machine
const TOLD = 300 // a broadcast has arrived by then
const KEPT = 100 // frames for tabs that were away for a moment

/**
 * One stream for all tabs. The tab that holds the lock leads: it has the stream and
 * passes its frames on. The browser hands the lock to the next tab when the leader
 * closes or crashes; one that is frozen (it doesn't answer) loses it. Each tab keeps
 * the position by itself, so whoever leads next resumes where it was, and what comes
 * twice is dropped by its eventId.
 *
 * `own` makes the connection of a leader. With `together`, all tabs have one session
 * (a cookie) and end with it; otherwise each finds out by itself.
 */
export function createTabs(
  name: string,
  env: TabsEnv,
  host: TabsHost,
  own: (host: Host) => Link,
  together: boolean,
): Link {
  const me = Math.random().toString(36)
  let channel: BroadcastChannel | undefined // undefined: stopped, or on its own
  let claim: AbortController | undefined // of the request for the lock
  let release: (() => void) | undefined // of the lock, while it is held
  let connection: Link | undefined // while leading
  let term = 0 // of the leader; later ones have higher numbers
  let state: StreamState = { status: 'connecting' }
  let kept: Passed[] = []
  let joined = false // in step with the leader
  let heard = 0 // when the leader last said something
  let asked = 0 // when it was asked whether it lives; 0: not
  let timer: ReturnType<typeof setInterval> | undefined

  const post = (m: Said) => channel?.postMessage(m)

  const keep = (m: Passed) => {
    if (m.id !== m.prev && kept.push(m) > KEPT) kept.shift()
  }

  function since(id: string): Passed[] | undefined {
    if (!id || id === host.position) return [] // a new tab fetches its lists
    const i = kept.findIndex((m) => m.prev === id)
    return i < 0 ? undefined : kept.slice(i)
  }

  // Leading.

  function announce(next: number) {
    term = next
    post({ k: 'state', term, prev: host.position, state })
  }

  function lead() {
    term = Math.max(Date.now(), term + 1) // all tabs have one clock
    connection = own({
      ...host,
      frame(name, data, id) {
        const prev = host.position
        const m: Passed = { k: 'frame', term, prev, id: id || prev, name, data }
        keep(m)
        post(m)
        host.frame(name, data, id)
      },
      state(s) {
        state = s
        if (s.status === 'closed') end(s)
        else announce(term)
        host.state(s)
      },
    })
    connection.start()
  }

  function stepDown() {
    connection?.stop()
    connection = release = undefined
  }

  // Following.

  function hello() {
    joined = false
    asked = Date.now()
    post({ k: 'hello', from: me, id: host.position })
  }

  function hear(m: Said) {
    if (m.k === 'hello') {
      if (connection)
        post({ k: 'welcome', term, to: m.from, from: m.id, id: host.position, state, frames: since(m.id) })
    } else if (m.k === 'wake') connection?.wake(false)
    else if (m.k === 'end') {
      stop()
      host.state(m.state)
    } else if (connection) {
      // One of the two thaws, and the browser is about to tell it that the lock is gone.
      if (m.term > term) announce(m.term + 1)
    } else if (m.term >= term) {
      const fresh = m.term > term
      term = m.term
      heard = Date.now()
      if (m.k === 'welcome' && m.to === me) join(m)
      else if (!joined) {
        if (fresh) hello() // the one before may not have heard it
      } else if (m.k === 'welcome') return
      else if (m.prev !== host.position && !(m.prev && kept.some((f) => f.prev === m.prev))) {
        hello() // something is missing; a leader that is behind will only repeat
      } else if (m.k === 'frame') take(m)
      else follow(m.state)
    }
  }

  function join(m: Said & { k: 'welcome' }) {
    if (joined || m.from !== host.position) return // the answer to an earlier hello
    joined = true
    asked = 0
    const resumed = !!host.position
    const before = state.status
    if (m.frames && m.id) m.frames.forEach(take)
    else kept = []
    host.join(m.id, !m.frames || !m.id) // without positions nobody knows
    follow(m.state)
    if (m.state.status === 'open' && before !== 'open') {
      host.frame('ready', `{"connectionId":"${me}","resumed":${resumed}}`, '')
    }
  }

  function take(m: Passed) {
    keep(m)
    host.frame(m.name, m.data, m.id)
  }

  function follow(s: StreamState) {
    state = s
    host.state(s)
  }

  /** Asks for the lock: waits for it, or takes it from a tab that doesn't answer. */
  function seek(steal: boolean) {
    claim?.abort()
    const mine = new AbortController()
    claim = mine
    env.navigator.locks
      .request(name, steal ? { steal } : { signal: mine.signal }, () => {
        if (claim !== mine) return
        return new Promise<void>((resolve) => {
          release = resolve
          lead()
        })
      })
      .catch((e: Error) => {
        if (claim !== mine) return
        if (e.name === 'AbortError') {
          stepDown() // taken away
          hello()
          seek(false)
        } else {
          channel?.close() // no locks here (a sandboxed frame): a stream of its own
          channel = undefined
          lead()
        }
      })
  }

  function look() {
    if (connection) return
    const now = Date.now()
    if (asked && now - asked >= ANSWER) {
      hello() // before the lock is taken: the tab that had it hears of the next term
      seek(true)
    } else if (!asked && now - heard >= SILENCE) hello()
  }

  function start() {
    stop()
    channel = new env.BroadcastChannel(name)
    channel.onmessage = (e) => hear(e.data)
    follow({ status: 'connecting' })
    hello()
    seek(false)
    timer = setInterval(look, ANSWER * (0.5 + Math.random() / 2))
  }

  /** Leaves the other tabs to themselves; the next one leads. */
  function stop(lockFor = 0) {
    clearInterval(timer)
    channel?.close()
    channel = undefined
    const held = release
    if (held) setTimeout(held, lockFor)
    else claim?.abort()
    claim = undefined
    stepDown()
  }

  function end(s: StreamState) {
    if (together) post({ k: 'end', state: s })
    stop(together ? TOLD : 0) // nobody should lead before they have heard of the end
  }

  return {
    start,
    stop,
    wake(now) {
      if (connection) connection.wake(now)
      else if (now) hello()
      else post({ k: 'wake' }) // a leader in a hidden tab has slow timers
    },
    end,
  }
}
