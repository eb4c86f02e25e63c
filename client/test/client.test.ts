import { describe, expect, it } from 'vitest'
import { documents } from '../scripts/generate.mjs'
import { createTidings, type Routes, TidingsError, type TidingsOptions } from '../src/index.js'
import { fakeTime, sleep } from './browser.js'
import { json, refusal, session } from './service.js'

interface Asked {
  method: string
  url: string
  headers: Record<string, string>
  body: unknown
  credentials: string
}

/** A client whose requests are answered by the test. */
function client(answer: (asked: Asked, n: number) => Response | Promise<Response>, options: TidingsOptions = {}) {
  const asked: Asked[] = []
  const fetch = async (url: unknown, init: RequestInit = {}) => {
    const { method = 'GET', headers, body, credentials } = init
    asked.push({
      method,
      url: `${url}`,
      headers: headers as Record<string, string>,
      body: body ? JSON.parse(`${body}`) : undefined,
      credentials: `${credentials}`,
    })
    return answer(asked.at(-1)!, asked.length)
  }
  return { tidings: createTidings({ fetch, ...options }, {}), asked }
}

describe('routes', () => {
  const list = { messages: [], links: {} }
  type Case = [
    route: keyof Routes,
    call: (t: ReturnType<typeof createTidings>) => Promise<unknown>,
    url: string,
    body?: unknown,
    keyed?: boolean,
  ]
  const user = { user: { id: 1, username: 'alice', displayName: 'Alice' } }
  const cases: Case[] = [
    [
      'POST /api/auth/register',
      (t) => t.register({ username: 'a', password: 'p' }),
      '/api/auth/register',
      { username: 'a', password: 'p' },
    ],
    [
      'POST /api/auth/login',
      (t) => t.login({ username: 'a', password: 'p' }),
      '/api/auth/login',
      { username: 'a', password: 'p' },
    ],
    ['POST /api/auth/logout', (t) => t.logout(), '/api/auth/logout', {}],
    ['GET /api/auth/session', (t) => t.session(), '/api/auth/session'],
    ['GET /api/users', (t) => t.users.find('a&b'), '/api/users?query=a%26b'],
    ['GET /api/users/{id}', (t) => t.users.get(2), '/api/users/2'],
    ['GET /api/friends', (t) => t.friends.list({ after: '2', limit: 5 }), '/api/friends?after=2&limit=5'],
    ['DELETE /api/friends/{userId}', (t) => t.friends.remove(2), '/api/friends/2'],
    ['GET /api/friends/request', (t) => t.friends.requests(), '/api/friends/request'],
    [
      'POST /api/friends/request',
      (t) => t.friends.request({ username: 'bob' }),
      '/api/friends/request',
      { username: 'bob' },
      true,
    ],
    ['PUT /api/friends/request/{id}', (t) => t.friends.accept('2-1'), '/api/friends/request/2-1', { action: 'accept' }],
    [
      'PUT /api/friends/request/{id}',
      (t) => t.friends.decline('2-1'),
      '/api/friends/request/2-1',
      { action: 'decline' },
    ],
    ['DELETE /api/friends/request/{id}', (t) => t.friends.withdraw('1-2'), '/api/friends/request/1-2'],
    ['GET /api/conversations', (t) => t.conversations.list(), '/api/conversations'],
    ['POST /api/conversations', (t) => t.conversations.open(2), '/api/conversations', { userId: 2 }, true],
    ['GET /api/conversations/{id}', (t) => t.conversations.get('1-2'), '/api/conversations/1-2'],
    [
      'GET /api/conversations/{id}/messages',
      (t) => t.conversations.messages('1-2', { before: '17' }),
      '/api/conversations/1-2/messages?before=17',
    ],
    [
      'POST /api/conversations/{id}/messages',
      (t) => t.conversations.send('1-2', 'hi'),
      '/api/conversations/1-2/messages',
      { content: 'hi' },
      true,
    ],
    [
      'POST /api/conversations/{id}/read',
      (t) => t.conversations.read('1-2', '17'),
      '/api/conversations/1-2/read',
      { messageId: '17' },
    ],
    ['POST /api/conversations/{id}/typing', (t) => t.conversations.typing('1-2'), '/api/conversations/1-2/typing', {}],
    ['GET /api/groupchats', (t) => t.groupChats.list(), '/api/groupchats'],
    [
      'POST /api/groupchats',
      (t) => t.groupChats.create({ name: 'n', memberIds: [2] }),
      '/api/groupchats',
      { name: 'n', memberIds: [2] },
      true,
    ],
    ['GET /api/groupchats/{id}', (t) => t.groupChats.get('g/1'), '/api/groupchats/g%2F1'],
    ['PATCH /api/groupchats/{id}', (t) => t.groupChats.update('g', { name: 'n' }), '/api/groupchats/g', { name: 'n' }],
    ['DELETE /api/groupchats/{id}', (t) => t.groupChats.remove('g'), '/api/groupchats/g'],
    ['GET /api/groupchats/{id}/members', (t) => t.groupChats.members('g'), '/api/groupchats/g/members'],
    [
      'POST /api/groupchats/{id}/members',
      (t) => t.groupChats.addMembers('g', [2]),
      '/api/groupchats/g/members',
      { userIds: [2] },
      true,
    ],
    [
      'DELETE /api/groupchats/{id}/members/{userId}',
      (t) => t.groupChats.removeMember('g', 2),
      '/api/groupchats/g/members/2',
    ],
    [
      'GET /api/groupchats/{id}/messages',
      (t) => t.groupChats.messages('g', { limit: undefined }),
      '/api/groupchats/g/messages',
    ],
    [
      'POST /api/groupchats/{id}/messages',
      (t) => t.groupChats.send('g', 'hi'),
      '/api/groupchats/g/messages',
      { content: 'hi' },
      true,
    ],
    [
      'POST /api/groupchats/{id}/read',
      (t) => t.groupChats.read('g', '17'),
      '/api/groupchats/g/read',
      { messageId: '17' },
    ],
    ['POST /api/groupchats/{id}/typing', (t) => t.groupChats.typing('g'), '/api/groupchats/g/typing', {}],
    ['GET /api/notifications', (t) => t.notifications.list({ unread: true }), '/api/notifications?unread=true'],
    [
      'PUT /api/notifications/{log}/{seq}',
      (t) => t.notifications.read('c:1-2/17'),
      '/api/notifications/c%3A1-2/17',
      { read: true },
    ],
    ['POST /api/notifications/read-all', (t) => t.notifications.readAll(), '/api/notifications/read-all', {}, true],
  ]

  it.each(cases)('%s', async (route, call, url, body, keyed = false) => {
    const { tidings, asked } = client(() =>
      json({
        ...user,
        ...list,
        users: [],
        conversations: [],
        groupChats: [],
        conversation: {},
        groupChat: {},
        message: {},
        request: {},
      }),
    )
    await call(tidings)
    expect(asked).toHaveLength(1)
    expect(asked[0]).toMatchObject({ method: route.split(' ')[0], url, credentials: 'include' })
    expect(asked[0]!.body).toEqual(body)
    expect(asked[0]!.headers['Content-Type']).toBe(body ? 'application/json' : undefined)
    expect(!!asked[0]!.headers['Idempotency-Key']).toBe(keyed)
  })

  it('are all there are', () => {
    type Operations = Record<string, { security: Record<string, unknown>[] }>
    const paths = Object.entries(documents().openapi.paths as Record<string, Operations>)
    const all = paths
      .filter(([path]) => !path.startsWith('/api/ops/')) // for operators' own pages: follow() reads them
      .filter(([path]) => path !== '/api/events/receipts') // receipts.ts sends it
      .flatMap(([path, methods]) =>
        Object.entries(methods)
          .filter(([, op]) => !op.security.some((s) => 'apiKey' in s)) // that are not for servers alone
          .map(([m]) => `${m.toUpperCase()} ${path}`),
      )
    expect([...new Set(cases.map(([route]) => route as string)), 'GET /api/events'].sort()).toEqual(all.sort())
  })

  it('give what is in the answer', async () => {
    const { tidings } = client(() => json({ users: [1], conversation: { id: '1-2' }, message: { id: '4' } }))
    expect(await tidings.users.find('a')).toEqual([1])
    expect(await tidings.conversations.open(2)).toEqual({ id: '1-2' })
    expect(await tidings.conversations.send('1-2', 'x')).toEqual({ id: '4' })
  })

  it('follow links, and go to another origin', async () => {
    const { tidings, asked } = client(() => json({ messages: [], links: {} }), { url: 'https://api.example' })
    await tidings.follow('/api/conversations/1-2/messages?before=4')
    expect(asked[0]!.url).toBe('https://api.example/api/conversations/1-2/messages?before=4')
  })

  it('carry the token and then no cookies', async () => {
    let n = 0
    const { tidings, asked } = client(() => json({ users: [] }), { token: () => `t${++n}` })
    await tidings.users.find('a')
    await tidings.users.find('b')
    expect(asked.map((a) => [a.headers.Authorization, a.credentials])).toEqual([
      ['Bearer t1', 'omit'],
      ['Bearer t2', 'omit'],
    ])
  })

  it('without content give undefined', async () => {
    const { tidings } = client(() => json(undefined, 204))
    expect(await tidings.friends.remove(2)).toBeUndefined()
  })
})

describe('errors', () => {
  it('are the service\u2019s problems, with code and fields', async () => {
    const errors = [{ path: 'name', code: 'too_long', message: 'at most 100' }]
    const body = {
      type: '/problems/validation_failed',
      title: 'x',
      status: 422,
      detail: 'A field.',
      code: 'validation_failed',
      errors,
    }
    const { tidings } = client(() => json(body, 422))
    const e = await tidings.groupChats.create({ name: 'x' }).catch((e) => e)
    expect(e).toBeInstanceOf(TidingsError)
    expect(e).toMatchObject({
      name: 'TidingsError',
      code: 'validation_failed',
      status: 422,
      message: 'A field.',
      errors,
    })
  })

  it('tell when to try again', async () => {
    const { tidings } = client(() => refusal(429, 'rate_limited', { 'Retry-After': '30' }))
    await expect(tidings.users.find('a')).rejects.toMatchObject({ code: 'rate_limited', retryAfter: 30_000 })
  })

  it('of what stands between have a code too', async () => {
    const { tidings } = client(() => new Response('<html>', { status: 418 }))
    await expect(tidings.users.find('a')).rejects.toMatchObject({
      code: 'http',
      status: 418,
      message: 'HTTP 418',
      errors: [],
    })
    const portal = client(() => new Response('<html>', { status: 200 }))
    fakeTime()
    const failed = portal.tidings.users.find('a').catch((e) => e)
    await sleep(5000)
    expect(await failed).toMatchObject({ code: 'http', status: 200, cause: expect.any(SyntaxError) })
  })

  it('of the network keep their cause', async () => {
    fakeTime()
    const cause = new TypeError('failed to fetch')
    const { tidings } = client(() => Promise.reject(cause))
    const failed = tidings.users.find('a').catch((e) => e)
    await sleep(5000)
    expect(await failed).toMatchObject({ code: 'network', status: 0, cause })
  })
})

describe('a request that fails in passing', () => {
  const flaky = (bad: () => Response | Promise<Response>) =>
    client((_, n) => (n < 3 ? bad() : json({ conversation: { id: '1-2' }, users: [7], friend: {} })))

  it.each([
    ['the network', () => Promise.reject(new TypeError('failed'))],
    ['503', () => refusal(503, 'overloaded', { 'Retry-After': '1' })],
    ['502', () => json('', 502)],
  ])('%s: is tried again, with the same key', async (_, bad) => {
    fakeTime()
    const { tidings, asked } = flaky(bad)
    const done = tidings.conversations.open(2)
    await sleep(5000)
    expect(await done).toEqual({ id: '1-2' })
    expect(asked).toHaveLength(3)
    expect(new Set(asked.map((a) => a.headers['Idempotency-Key'])).size).toBe(1)
  })

  it('is tried three times at most', async () => {
    fakeTime()
    const { tidings, asked } = client(() => json('', 504))
    const done = tidings.users.find('a').catch((e) => e)
    await sleep(10_000)
    expect(await done).toMatchObject({ status: 504 })
    expect(asked).toHaveLength(3)
  })

  it('is not tried again when it carries no key, or when it is to wait long, or was refused', async () => {
    fakeTime()
    const answers = [json('', 503), refusal(503, 'overloaded', { 'Retry-After': '60' }), refusal(404, 'user_not_found')]
    const { tidings, asked } = client(() => answers.shift()!)
    await expect(tidings.friends.remove(2)).rejects.toMatchObject({ status: 503 })
    await expect(tidings.users.find('a')).rejects.toMatchObject({ retryAfter: 60_000 })
    await expect(tidings.users.get(2)).rejects.toMatchObject({ code: 'user_not_found' })
    expect(asked).toHaveLength(3)
  })
})

it('keys differ, and sort by time', async () => {
  const { tidings, asked } = client(() => json({ conversation: {} }))
  for (let i = 0; i < 50; i++) await tidings.conversations.open(2)
  const keys = asked.map((a) => a.headers['Idempotency-Key']!)
  expect(new Set(keys).size).toBe(50)
  expect([...keys].sort()).toEqual(keys)
  for (const k of keys) expect(k).toMatch(/^[ -~]{15,255}$/)
})

it('does nothing until it is used: it may be made on a server', () => {
  const env = new Proxy(
    {},
    {
      get: (_, name) => {
        if (name === 'EventSource') return undefined
        throw new Error(`${String(name)} was used`)
      },
    },
  )
  const { asked } = client(() => session(1))
  createTidings({}, env)
  expect(asked).toEqual([])
})
