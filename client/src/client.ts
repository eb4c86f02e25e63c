import { createOutbox, newKey, type Outbox, type Recipient } from './outbox.js'
import { problem, TidingsError } from './problem.js'
import type { Routes, SessionAnswer, UserRef } from './schema.gen.js'
import { eventSource, fetchSource } from './source.js'
import { createStream, type Env, type EventStream } from './stream.js'

export interface TidingsOptions {
  /** The service's origin, without a slash at the end. Default: that of the page. */
  url?: string
  fetch?: typeof fetch
  /**
   * A Bearer token, or what gives one; it is asked for each request. Default: the
   * browser's cookie. The stream then comes by fetch, since EventSource sends no headers.
   */
  token?: string | (() => string | Promise<string>)
  /** Who is logged in, if you know: it saves a request before the stream is opened. */
  userId?: number
  /** The stream's path, such as `/api/events?types=notification`. Default: `/api/events`, all of it. */
  events?: string
  /** Whether the browser's tabs share one stream, where it can. Default: true. */
  share?: boolean
}

type Page = { before?: string; after?: string; limit?: number }
type Input<R extends keyof Routes> = Omit<Routes[R], 'answer'>
type Answer<R extends keyof Routes> = Routes[R]['answer']
type Body<R extends keyof Routes> = Routes[R] extends { body: infer B } ? B : never

const TIMEOUT = 20_000 // functions end after 15 s
const RETRIES = 2

/** The service as one page uses it: REST, the live stream and the outbox. */
export type Tidings = ReturnType<typeof createTidings>

/**
 * Makes a client. It does nothing until it is used, so it may be made on a server,
 * too. Its methods reject with a TidingsError. `env` is for tests: what it takes of the browser.
 */
export function createTidings(options: TidingsOptions = {}, env: Env = globalThis) {
  const { url = '', token } = options
  const send = options.fetch ?? ((...args) => fetch(...args))

  const headers = async (): Promise<Record<string, string>> =>
    token ? { Authorization: `Bearer ${typeof token === 'string' ? token : await token()}` } : {}

  async function once<A>(method: string, path: string, body?: object, key?: string): Promise<A> {
    let answer: Response | undefined
    try {
      answer = await send(url + path, {
        method,
        headers: {
          ...(await headers()),
          ...(body && { 'Content-Type': 'application/json' }),
          ...(key && { 'Idempotency-Key': key }),
        },
        ...(body && { body: JSON.stringify(body) }),
        credentials: token ? 'omit' : 'include',
        signal: AbortSignal.timeout(TIMEOUT),
      })
      if (!answer.ok) throw await problem(answer)
      const text = await answer.text()
      return (text ? JSON.parse(text) : undefined) as A
    } catch (cause) {
      if (cause instanceof TidingsError) throw cause
      if (answer) throw new TidingsError('http', 'Unreadable answer', answer.status, { cause })
      throw new TidingsError('network', 'No answer', 0, { cause })
    }
  }

  /** Tries again what may be asked twice: reads, and writes that carry a key. */
  async function retried<A>(method: string, path: string, body?: object, key?: string): Promise<A> {
    for (let n = 0; ; n++) {
      try {
        return await once<A>(method, path, body, key)
      } catch (e) {
        const { status, retryAfter = 500 * 2 ** n } = e as TidingsError
        const passes = status < 400 || (status >= 502 && status <= 504)
        if (n === RETRIES || !passes || !(method === 'GET' || key) || retryAfter > 5000) throw e
        await new Promise((resolve) => setTimeout(resolve, retryAfter * (1 + Math.random() / 2)))
      }
    }
  }

  function call<R extends keyof Routes>(route: R, input: Input<R>, key?: string): Promise<Answer<R>> {
    const { path, query, body } = input as { path?: Record<string, string>; query?: object; body?: object }
    const [method, template] = route.split(' ') as [string, string]
    const filled = template.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(path![name]!))
    const given = Object.entries(query ?? {}).filter(([, v]) => v !== undefined)
    return retried(method, filled + (given.length ? `?${new URLSearchParams(given)}` : ''), body, key)
  }

  const identify = () => once<SessionAnswer>('GET', '/api/auth/session').then((a) => a.user.id)

  const stream = createStream({
    url: url + (options.events ?? '/api/events'),
    source: !token && env.EventSource ? eventSource(env.EventSource) : fetchSource(send, headers),
    env,
    identify,
    userId: options.userId,
    share: options.share ?? true,
    together: !token,
  })

  const outbox = createOutbox(url, env, (item) => {
    const body = { content: item.content }
    // Once at a time: the outbox decides when to try again.
    const path = item.conversationId ? `conversations/${item.conversationId}` : `groupchats/${item.groupChatId}`
    return once<Answer<'POST /api/conversations/{id}/messages'>>('POST', `/api/${path}/messages`, body, item.key).then(
      (a) => a.message,
    )
  })

  stream.subscribe(() => {
    if (stream.userId && stream.state.status === 'open') outbox.open(stream.userId)
  })

  function entered<A extends { user: UserRef }>(answer: A): A {
    stream.login(answer.user.id)
    outbox.open(answer.user.id)
    return answer
  }

  /** What conversations and group chats have in common: the same routes behind another name. */
  function messages(kind: 'conversations' | 'groupchats', field: keyof Recipient) {
    const base = `/api/${kind}/{id}` as '/api/conversations/{id}'
    return {
      messages: (id: string, query: Page = {}) => call(`GET ${base}/messages`, { path: { id }, query }),
      /** Sends through the outbox: resolves when the message is stored, however long that takes. */
      send: (id: string, content: string) => outbox.send({ [field]: id }, content),
      /** Marks as read up to that message. */
      read: (id: string, messageId: string) => call(`POST ${base}/read`, { path: { id }, body: { messageId } }),
      typing: (id: string) => call(`POST ${base}/typing`, { path: { id }, body: {} }),
    }
  }

  return {
    events: stream as EventStream,
    outbox: outbox as Outbox,
    register: (body: Body<'POST /api/auth/register'>) => call('POST /api/auth/register', { body }).then(entered),
    login: (body: Body<'POST /api/auth/login'>) => call('POST /api/auth/login', { body }).then(entered),
    /** Ends the session, the streams of all tabs, and forgets what waits in the outbox. */
    async logout() {
      await call('POST /api/auth/logout', { body: {} })
      outbox.clear()
      stream.logout()
    },
    session: () => call('GET /api/auth/session', {}).then(entered),
    users: {
      find: (query: string) => call('GET /api/users', { query: { query } }).then((a) => a.users),
      get: (id: number) => call('GET /api/users/{id}', { path: { id } }).then((a) => a.user),
    },
    friends: {
      list: (query: Pick<Page, 'after' | 'limit'> = {}) => call('GET /api/friends', { query }),
      remove: (userId: number) => call('DELETE /api/friends/{userId}', { path: { userId } }),
      requests: () => call('GET /api/friends/request', {}),
      /** Asks; or accepts, if they have asked already: then the answer holds the friend. */
      request: (body: Body<'POST /api/friends/request'>) => call('POST /api/friends/request', { body }, newKey()),
      accept: (id: string) => call('PUT /api/friends/request/{id}', { path: { id }, body: { action: 'accept' } }),
      decline: (id: string) => call('PUT /api/friends/request/{id}', { path: { id }, body: { action: 'decline' } }),
      withdraw: (id: string) => call('DELETE /api/friends/request/{id}', { path: { id } }),
    },
    conversations: {
      list: () => call('GET /api/conversations', {}).then((a) => a.conversations),
      /** Opens the conversation with that user; opening it again gives the same one. */
      open: (userId: number) =>
        call('POST /api/conversations', { body: { userId } }, newKey()).then((a) => a.conversation),
      get: (id: string) => call('GET /api/conversations/{id}', { path: { id } }).then((a) => a.conversation),
      ...messages('conversations', 'conversationId'),
    },
    groupChats: {
      list: () => call('GET /api/groupchats', {}).then((a) => a.groupChats),
      create: (body: Body<'POST /api/groupchats'>) =>
        call('POST /api/groupchats', { body }, newKey()).then((a) => a.groupChat),
      get: (id: string) => call('GET /api/groupchats/{id}', { path: { id } }).then((a) => a.groupChat),
      /** Renames it, or hands it over to `ownerId`: one at a time. */
      update: (id: string, body: Body<'PATCH /api/groupchats/{id}'>) =>
        call('PATCH /api/groupchats/{id}', { path: { id }, body }).then((a) => a.groupChat),
      remove: (id: string) => call('DELETE /api/groupchats/{id}', { path: { id } }),
      members: (id: string, query: Pick<Page, 'after' | 'limit'> = {}) =>
        call('GET /api/groupchats/{id}/members', { path: { id }, query }),
      addMembers: (id: string, userIds: number[]) =>
        call('POST /api/groupchats/{id}/members', { path: { id }, body: { userIds } }, newKey()).then(
          (a) => a.groupChat,
        ),
      /** Removes a member; oneself to leave. */
      removeMember: (id: string, userId: number) =>
        call('DELETE /api/groupchats/{id}/members/{userId}', { path: { id, userId } }),
      ...messages('groupchats', 'groupChatId'),
    },
    notifications: {
      list: (query: Routes['GET /api/notifications']['query'] = {}) => call('GET /api/notifications', { query }),
      read: (id: string) => {
        const [log = '', seq = ''] = id.split('/')
        return call('PUT /api/notifications/{log}/{seq}', { path: { log, seq }, body: { read: true } })
      },
      readAll: () => call('POST /api/notifications/read-all', { body: {} }, newKey()),
    },
    /** Fetches a link of an answer: links.older, links.newer, links.next. */
    follow: <A>(link: string) => retried<A>('GET', link),
  }
}
