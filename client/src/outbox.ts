import { backoff, isFinal, parse } from './connection.js'
import { createListeners } from './listeners.js'
import { TidingsError } from './problem.js'
import type { Message } from './schema.gen.js'
import type { Env } from './stream.js'

/** Where a message goes: one of the two. */
export interface Recipient {
  readonly conversationId?: string
  readonly groupChatId?: string
}

/** A message that is on its way. */
export interface OutboxItem extends Recipient {
  /** Its idempotency key, by which it is sent once however often it is tried. Keys sort by time. */
  readonly key: string
  readonly content: string
  readonly createdAt: string
  /** When it was first sent (Unix ms); it may have arrived then. */
  readonly tried?: number
}

/** What has become of an item: it was sent (`message`), or dropped (`error`), or, with neither, it has come or another tab has sent it. */
export interface OutboxChange {
  item: OutboxItem
  message?: Message
  error?: TidingsError
}

/** The messages that aren't sent yet, in the order in which they were written. They survive a reload. */
export interface Outbox {
  /** A new array when it changes. */
  readonly items: readonly OutboxItem[]
  /** Calls the listener after each change; what it returns ends that. */
  subscribe(listener: (change: OutboxChange) => void): () => void
  /** Takes back what isn't sent; it may be on its way already. */
  discard(key: string): void
}

/** What only the client may do with its outbox. */
export interface OwnOutbox extends Outbox {
  send(to: Recipient, content: string): Promise<Message>
  /** Tells whose outbox it is: takes up what they left, and tries at once what waits. */
  open(userId: number): void
  /** Forgets all that its user has written: the next one at this browser must not find it. */
  clear(): void
}

const KEY_LIFE = 23 * 3600_000 // the service knows a key for 24 h
const PATIENCE = 5000
const HOLD = 3600_000 // what waits for a log-in is woken by it

let last = 0

/** A new idempotency key; later ones sort behind it. It has to differ among a user's tabs and devices, not to be secret. */
export function newKey(): string {
  last = Math.max(Date.now(), last + 1)
  return `${last.toString(36)}-${Math.random().toString(36).slice(2)}`
}

const logOf = (to: Recipient) => to.conversationId ?? to.groupChatId

/** `name` tells the outboxes of different services apart; `post` sends, once. */
export function createOutbox(name: string, env: Env, post: (item: OutboxItem) => Promise<Message>): OwnOutbox {
  let items: readonly OutboxItem[] = []
  let owner: number | undefined
  const changes = createListeners<OutboxChange>()
  const callers = new Map<string, { resolve(m: Message): void; reject(e: TidingsError): void }>()
  const busy = new Set<string | undefined>()
  const sleepers = new Set<() => void>()

  const place = (key = '') => `tidings:outbox:${name}:${owner}:${key}`

  /** Uses the storage; without one (private mode, full, none) the outbox lives as long as the page. */
  function stored<T>(use: (s: Storage) => T): T | undefined {
    try {
      return owner && env.localStorage ? use(env.localStorage) : undefined
    } catch {
      return undefined
    }
  }

  const has = (key: string) => items.some((i) => i.key === key)
  const save = (item: OutboxItem) => stored((s) => s.setItem(place(item.key), JSON.stringify(item)))

  function change(next: readonly OutboxItem[], what: OutboxChange) {
    items = next
    changes.tell(what)
  }

  /** An item leaves: it was sent, or there is an error. */
  function settle(item: OutboxItem, outcome: { message?: Message; error?: TidingsError }) {
    stored((s) => s.removeItem(place(item.key)))
    const caller = callers.get(item.key)
    callers.delete(item.key)
    if (outcome.message) caller?.resolve(outcome.message)
    else if (outcome.error) caller?.reject(outcome.error)
    change(
      items.filter((i) => i.key !== item.key),
      { item, ...outcome },
    )
  }

  const refuse = (item: OutboxItem, code: string, why: string) => settle(item, { error: new TidingsError(code, why) })

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const awake = () => {
        clearTimeout(timer)
        env.removeEventListener?.('online', awake)
        sleepers.delete(awake)
        resolve()
      }
      const timer = setTimeout(awake, ms)
      env.addEventListener?.('online', awake)
      sleepers.add(awake)
    })
  }

  /** Sends what waits for one conversation, one after the other. */
  async function flush(log: string | undefined) {
    if (busy.has(log)) return
    busy.add(log)
    for (let failures = 0; items.some((i) => logOf(i) === log); ) {
      const work = () => attempt(log, failures)
      // One tab at a time. One that is frozen holds nobody up: the key makes it safe.
      const signal = AbortSignal.timeout(PATIENCE)
      const wait = await ((owner && env.navigator?.locks?.request(place(log), { signal }, work).catch(work)) || work())
      failures = wait ? failures + 1 : 0
      if (wait) await pause(wait)
    }
    busy.delete(log)
  }

  /** Sends the first item of a conversation. Gives the time in ms to wait before the next attempt. */
  async function attempt(log: string | undefined, failures: number): Promise<number> {
    const item = items.find((i) => logOf(i) === log)
    if (!item) return 0
    const { key, tried = Date.now() } = item
    if (!callers.has(key) && stored((s) => !s.getItem(place(key))))
      settle(item, {}) // sent by the tab that left it
    else if (env.navigator?.onLine === false) return HOLD
    else if (Date.now() - tried > KEY_LIFE) {
      refuse(item, 'outbox_expired', 'Perhaps sent a day ago')
    } else {
      const trying = { ...item, tried }
      items = items.map((i) => (i.key === key ? trying : i))
      save(trying)
      const outcome = await post(trying).then(
        (message) => ({ message }),
        (error: TidingsError) => ({ error }),
      )
      const error = 'error' in outcome ? outcome.error : undefined
      if (!has(key)) return 0 // taken back meanwhile
      if (error?.status === 401) return HOLD
      if (error && !isFinal(error.status)) return error.retryAfter || backoff(1000, failures)
      settle(trying, outcome)
    }
    return 0
  }

  /** Takes up what other tabs, and this one before a reload, have left. */
  function load() {
    const found = stored((s) =>
      Array.from({ length: s.length }, (_, i) => s.key(i)!)
        .filter((k) => k.startsWith(place()))
        .map((k) => parse(s.getItem(k)!) as OutboxItem)
        .filter((i) => i?.content && !has(i.key)),
    )
    for (const item of found ?? [])
      change(
        [...items, item].sort((a, b) => (a.key < b.key ? -1 : 1)),
        { item },
      )
  }

  /** Tries at once what waits. */
  function kick() {
    load()
    for (const awake of sleepers) awake()
    for (const log of new Set(items.map(logOf))) flush(log)
  }

  return {
    get items() {
      return items
    },
    subscribe: changes.add,
    discard(key) {
      for (const item of items) if (item.key === key) refuse(item, 'discarded', 'Taken back')
    },
    send(to, content) {
      const item: OutboxItem = { key: newKey(), ...to, content, createdAt: new Date().toISOString() }
      return new Promise((resolve, reject) => {
        callers.set(item.key, { resolve, reject })
        save(item)
        change([...items, item], { item })
        flush(logOf(item))
      })
    },
    open(userId) {
      const left = owner && owner !== userId ? items : []
      owner = userId
      // Of another user: it stays in the storage until they are back.
      for (const item of left) refuse(item, 'logged_out', 'Another user')
      items.forEach(save)
      kick()
    },
    clear() {
      load()
      for (const item of items) refuse(item, 'logged_out', 'Logged out')
      owner = undefined
    },
  }
}
