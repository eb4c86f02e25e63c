import { AsyncLocalStorage } from 'node:async_hooks'
import { onTestFinished, vi } from 'vitest'
import { createTidings, type EventOf, type Tidings, type TidingsOptions } from '../src/index.js'
import type { Env } from '../src/stream.js'
import { session } from './service.js'

// A browser with tabs, in one process and on fake time. What a tab does runs "in" it,
// timers included, so that it can be frozen or crash at any moment.

const inside = new AsyncLocalStorage<Tab>()

/** Puts time under the test's control, to its end. Timers that a tab sets stop with it. */
export function fakeTime() {
  vi.useFakeTimers({ now: 1_700_000_000_000 })
  onTestFinished(() => void vi.useRealTimers())
  const cleared = new WeakSet<object>()
  for (const name of ['setTimeout', 'setInterval'] as const) {
    const real = globalThis[name] as (f: () => void, ms?: number) => object
    vi.stubGlobal(name, (f: () => void, ms?: number) => {
      const tab = inside.getStore()
      // A frozen tab may clear a timer that has fired meanwhile.
      const handle = real(() => (tab ? tab.run(() => cleared.has(handle) || f()) : f()), ms)
      return handle
    })
  }
  for (const name of ['clearTimeout', 'clearInterval'] as const) {
    const real = globalThis[name] as (handle?: object) => void
    vi.stubGlobal(name, (handle?: object) => {
      if (handle) cleared.add(handle)
      real(handle)
    })
  }
}

export const sleep = (ms: number) => vi.advanceTimersByTimeAsync(ms)

/** A stream as the test sees it: an EventSource, and what the service does to it. */
export class Source extends EventTarget {
  static all: Source[] = []
  /** What becomes of a new one. */
  static onopen: (s: Source) => void = () => {}

  onerror: (() => void) | null = null
  readyState = 0
  lastEventId = ''
  readonly tab = inside.getStore()

  constructor(
    readonly url: string,
    readonly init?: EventSourceInit,
  ) {
    super()
    Source.all.push(this)
    Source.onopen(this)
  }

  static get open() {
    return Source.all.filter((s) => s.readyState < 2)
  }

  static get last() {
    return Source.all.at(-1)!
  }

  /** The position that it was opened with. */
  get position() {
    return new URL(this.url, 'http://x').searchParams.get('lastEventId') ?? ''
  }

  close() {
    this.readyState = 2
  }

  /** Sends a frame; one without an id repeats the last one, as EventSource does. */
  frame(name: string, data: unknown, id?: string) {
    this.in(() => {
      if (this.readyState === 2) return
      this.readyState = 1
      this.lastEventId = id ?? this.lastEventId
      const text = typeof data === 'string' ? data : JSON.stringify(data)
      this.dispatchEvent(Object.assign(new Event(name), { data: text, lastEventId: this.lastEventId }))
    })
  }

  ready(resumed = false, id?: string) {
    this.frame('ready', { connectionId: 'X', resumed }, id)
  }

  /** Breaks; `refused`: for good, as by any status but 200. */
  fail(refused = false) {
    this.in(() => {
      if (this.readyState === 2) return
      this.readyState = refused ? 2 : 0
      this.onerror?.()
    })
  }

  private in(f: () => void) {
    this.tab ? this.tab.run(f) : f()
  }
}

class Storage0 {
  #m = new Map<string, string>()
  get length() {
    return this.#m.size
  }
  key = (i: number) => [...this.#m.keys()][i] ?? null
  getItem = (k: string) => this.#m.get(k) ?? null
  setItem = (k: string, v: string) => void this.#m.set(k, v)
  removeItem = (k: string) => void this.#m.delete(k)
  clear = () => this.#m.clear()
}

type Request = {
  tab: Tab
  mode: 'wait' | 'steal'
  f: () => unknown
  resolve: (v: unknown) => void
  reject: (e: Error) => void
}

/** What the tabs of one browser share. */
export class Browser {
  readonly tabs: Tab[] = []
  readonly storage = new Storage0()
  /** How long a broadcast takes, in ms. */
  delay: () => number = () => 1
  readonly #locks = new Map<string, { held?: Request | undefined; queue: Request[] }>()

  /** One for a test, which ends with it, on fake time. What becomes of its streams the test says. */
  static make(): Browser {
    fakeTime()
    Source.all = []
    Source.onopen = () => {}
    const browser = new Browser()
    onTestFinished(() => browser.close())
    return browser
  }

  tab(options: TidingsOptions = {}, online = true): Tab {
    const tab = new Tab(this, { userId: 1, ...options }, online)
    this.tabs.push(tab)
    return tab
  }

  /** A tab with a stream of its own, which is open at the position p0. */
  opened(options: TidingsOptions = {}): Tab {
    const tab = this.tab({ share: false, ...options }).connect()
    Source.last.ready(false, 'p0')
    return tab
  }

  /** So many tabs that share a stream, once they all have it. */
  async share(n: number): Promise<Tab[]> {
    const tabs = Array.from({ length: n }, () => this.tab().connect())
    await sleep(100)
    return tabs
  }

  /** The tab that has the stream. */
  get leader(): Tab {
    return Source.open[0]!.tab!
  }

  request(name: string, options: LockOptions, f: () => unknown): Promise<unknown> {
    const tab = inside.getStore()!
    const lock = this.#locks.get(name) ?? { queue: [] }
    this.#locks.set(name, lock)
    return new Promise((resolve, reject) => {
      const r: Request = { tab, mode: options.steal ? 'steal' : 'wait', f, resolve, reject }
      options.signal?.addEventListener('abort', () => {
        if (!lock.queue.includes(r)) return
        lock.queue.splice(lock.queue.indexOf(r), 1)
        reject(new DOMException('aborted', 'AbortError'))
      })
      if (options.steal) {
        const old = lock.held
        lock.held = undefined
        lock.queue.unshift(r)
        old?.tab.run(() => old.reject(new DOMException('stolen', 'AbortError')))
      } else lock.queue.push(r)
      this.#grant(name)
    })
  }

  #grant(name: string) {
    const lock = this.#locks.get(name)!
    if (lock.held) return
    const next = lock.queue.shift()
    if (!next) return
    lock.held = next
    const free = () => {
      if (lock.held === next) lock.held = undefined
      this.#grant(name)
    }
    inside.exit(() =>
      queueMicrotask(() => {
        if (next.tab.dead) return free()
        next.tab.run(() => {
          const done = Promise.resolve(next.f())
          done.then(next.resolve, next.reject)
          done.finally(free).catch(() => {})
        })
      }),
    )
  }

  /** The locks of a tab that is gone. */
  drop(tab: Tab) {
    for (const [name, lock] of this.#locks) {
      lock.queue = lock.queue.filter((r) => r.tab !== tab)
      if (lock.held?.tab === tab) {
        lock.held = undefined
        this.#grant(name)
      }
    }
  }

  close() {
    for (const t of this.tabs) t.crash()
  }
}

/** One tab: a page with a client, and what it has seen. */
export class Tab {
  dead = false
  frozen = false
  readonly client: Tidings
  readonly env: Env
  /** Event ids in the order in which the page's handlers saw them. */
  readonly seen: string[] = []
  readonly states: string[] = []
  readonly errors: string[] = []
  readonly channels = new Set<Channel>()
  readonly page = new EventTarget()
  readonly document = Object.assign(new EventTarget(), { visibilityState: 'visible' })
  readonly #late: (() => void)[] = []

  constructor(
    readonly browser: Browser,
    options: TidingsOptions,
    online: boolean,
  ) {
    const tab = this
    this.env = {
      EventSource: Source as never,
      BroadcastChannel: class extends Channel {
        constructor(name: string) {
          super(tab, name)
        }
      } as never,
      navigator: {
        onLine: online,
        locks: {
          request: (n: string, o: LockOptions, f: () => unknown) => this.run(() => browser.request(n, o, f)),
        } as never,
      },
      localStorage: browser.storage as never,
      document: this.document as never,
      addEventListener: this.page.addEventListener.bind(this.page) as never,
      removeEventListener: this.page.removeEventListener.bind(this.page) as never,
    }
    this.client = this.run(() => createTidings({ fetch: async () => session(1), ...options }, this.env))!
    const { events } = this.client
    events.on('*', (e: EventOf<'*'>) => {
      if (e.eventId) this.seen.push(e.eventId)
      if (e.type === 'reset') this.seen.push(`reset ${e.data.reason}`)
    })
    events.onError((e) => this.errors.push(e.code))
    events.subscribe(() => this.states.push(this.client.events.state.status))
  }

  get state() {
    return this.client.events.state
  }

  connect() {
    this.run(() => this.client.events.connect())
    return this
  }

  /** Runs in the tab: never if it is gone, later if it is frozen. */
  run<T>(f: () => T): T | undefined {
    if (this.dead) return undefined
    if (this.frozen) {
      this.#late.push(f)
      return undefined
    }
    return inside.run(this, f)
  }

  freeze() {
    this.frozen = true
  }

  thaw() {
    this.frozen = false
    for (const f of this.#late.splice(0)) this.run(f)
  }

  /** Is gone without a word. */
  crash() {
    this.dead = true
    for (const s of Source.all) if (s.tab === this) s.close()
    for (const c of this.channels) c.close()
    this.browser.drop(this)
  }

  /** Closes as a browser does, with a pagehide. */
  close() {
    this.hide()
    this.crash()
  }

  hide() {
    this.run(() => this.page.dispatchEvent(new Event('pagehide')))
  }

  /** Returns from the back/forward cache. */
  show() {
    this.run(() => this.page.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true })))
  }

  online(is: boolean) {
    ;(this.env.navigator as { onLine: boolean }).onLine = is
    if (is) this.run(() => this.page.dispatchEvent(new Event('online')))
  }

  visible(is: boolean) {
    this.document.visibilityState = is ? 'visible' : 'hidden'
    this.run(() => this.document.dispatchEvent(new Event('visibilitychange')))
  }
}

class Channel {
  onmessage: ((e: { data: unknown }) => void) | null = null
  #open = true
  #due = new WeakMap<Channel, number>()

  constructor(
    readonly tab: Tab,
    readonly name: string,
  ) {
    tab.channels.add(this)
  }

  postMessage(data: unknown) {
    if (!this.#open) throw new DOMException('closed', 'InvalidStateError')
    const copy = structuredClone(data)
    for (const t of this.tab.browser.tabs) {
      for (const c of t.channels) {
        if (c === this || c.name !== this.name) continue
        // Each pair keeps its order.
        const due = Math.max(Date.now() + this.tab.browser.delay(), this.#due.get(c) ?? 0)
        this.#due.set(c, due)
        inside.exit(() => setTimeout(() => t.run(() => c.#open && c.onmessage?.({ data: copy })), due - Date.now()))
      }
    }
  }

  close() {
    this.#open = false
    this.tab.channels.delete(this)
  }
}
