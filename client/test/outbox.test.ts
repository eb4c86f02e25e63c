import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { OutboxChange } from '../src/index.js'
import { Browser, Source, sleep, type Tab } from './browser.js'
import { json, refusal, session } from './service.js'

let browser: Browser
/** What came to the service: "<log> <content> <key>". */
let arrived: { log: string; content: string; key: string }[]
/** What it does with a message; the default stores it. */
let answer: (content: string) => Response | Promise<Response>

const stored = (content: string) => json({ message: { id: content, content } }, 201)

async function fetch(url: unknown, init: RequestInit = {}): Promise<Response> {
  if (`${url}`.endsWith('/session') || `${url}`.endsWith('/login')) return session(1)
  if (`${url}`.endsWith('/logout')) return json(undefined, 204)
  const { content } = JSON.parse(`${init.body}`)
  arrived.push({
    log: `${url}`.split('/')[3]!,
    content,
    key: (init.headers as Record<string, string>)['Idempotency-Key']!,
  })
  return answer(content)
}

/** A page that is logged in. */
async function page(online = true): Promise<Tab> {
  const tab = browser.tab({ share: false, fetch }, online)
  await tab.run(() => tab.client.session())
  return tab
}

const send = (tab: Tab, content: string, id = '1-2') => tab.run(() => tab.client.conversations.send(id, content))!
const contents = () => arrived.map((a) => a.content)
const waiting = (tab: Tab) => tab.client.outbox.items.map((i) => i.content)
const offline = () => Promise.reject(new TypeError('failed'))

beforeEach(() => {
  browser = Browser.make()
  arrived = []
  answer = stored
})

it('sends at once, and forgets what is sent', async () => {
  const tab = await page()
  const sent = send(tab, 'a')
  expect(waiting(tab)).toEqual(['a'])
  expect(browser.storage.length).toBe(1)
  expect(await sent).toMatchObject({ id: 'a' })
  expect(waiting(tab)).toEqual([])
  expect(browser.storage.length).toBe(0)
})

it('sends in order within a conversation, one after the other, and conversations side by side', async () => {
  const tab = await page()
  let release = () => {}
  answer = (c) =>
    c === 'a1'
      ? new Promise((resolve) => {
          release = () => resolve(stored(c))
        })
      : stored(c)
  const all = [send(tab, 'a1'), send(tab, 'a2'), send(tab, 'b1', '1-3'), send(tab, 'a3')]
  await sleep(0)
  expect(contents()).toEqual(['a1', 'b1'])
  release()
  await Promise.all(all)
  expect(contents()).toEqual(['a1', 'b1', 'a2', 'a3'])
})

describe('offline', () => {
  it('keeps what was written and sends it in order when the network is back', async () => {
    const tab = await page(false)
    const all = [send(tab, 'a1'), send(tab, 'a2'), tab.run(() => tab.client.groupChats.send('g', 'b1'))]
    await sleep(3600_000)
    expect(arrived).toEqual([]) // the browser says that it is of no use
    expect(waiting(tab)).toEqual(['a1', 'a2', 'b1'])
    tab.online(true)
    await Promise.all(all)
    expect(contents().filter((c) => c.startsWith('a'))).toEqual(['a1', 'a2'])
    expect(contents()).toContain('b1')
  })

  it('survives a reload', async () => {
    const before = await page(false)
    send(before, 'a1')
    send(before, 'a2')
    before.close()
    const changes: OutboxChange[] = []
    const after = browser.tab({ share: false, fetch })
    after.client.outbox.subscribe((c) => changes.push(c))
    await after.run(() => after.client.session())
    expect(changes.slice(0, 2).map((c) => c.item.content)).toEqual(['a1', 'a2'])
    await sleep(0)
    expect(contents()).toEqual(['a1', 'a2'])
    expect(changes.filter((c) => c.message).map((c) => c.message!.id)).toEqual(['a1', 'a2'])
    expect(browser.storage.length).toBe(0)
  })

  it('without a storage lasts as long as the page', async () => {
    const tab = browser.tab({ share: false, fetch }, false)
    Object.defineProperty(tab.env, 'localStorage', {
      get() {
        throw new DOMException('denied', 'SecurityError')
      },
    })
    await tab.run(() => tab.client.session())
    const sent = send(tab, 'a')
    tab.online(true)
    expect(await sent).toMatchObject({ id: 'a' })
  })

  it('with a storage that is full, too', async () => {
    const tab = await page(false)
    browser.storage.setItem = () => {
      throw new DOMException('full', 'QuotaExceededError')
    }
    const sent = send(tab, 'a')
    tab.online(true)
    expect(await sent).toMatchObject({ id: 'a' })
  })
})

describe('a message that fails', () => {
  it.each([
    ['no answer', offline],
    ['408', () => json('', 408)],
    ['429', () => refusal(429, 'slow_mode', { 'Retry-After': '2' })],
    ['500', () => refusal(500, 'internal')],
    ['503', () => refusal(503, 'overloaded')],
    ['no JSON', () => new Response('<html>', { status: 200 })],
  ])('in passing (%s) is sent again under the same key, and holds up those behind it', async (_, bad) => {
    const tab = await page()
    let n = 0
    answer = (c) => (c === 'a1' && n++ < 3 ? bad() : stored(c))
    const all = [send(tab, 'a1'), send(tab, 'a2')]
    await sleep(60_000)
    await Promise.all(all)
    expect(contents()).toEqual(['a1', 'a1', 'a1', 'a1', 'a2'])
    expect(new Set(arrived.map((a) => a.key)).size).toBe(2)
  })

  it('is sent again when the service says, and not before', async () => {
    const tab = await page()
    let n = 0
    answer = (c) => (n++ ? stored(c) : refusal(429, 'slow_mode', { 'Retry-After': '20' }))
    send(tab, 'a')
    await sleep(19_999)
    expect(arrived).toHaveLength(1)
    await sleep(1)
    expect(arrived).toHaveLength(2)
  })

  it.each([400, 403, 404, 409, 413, 422])(
    'for good (%i) is dropped with an error to its caller; the next one goes',
    async (status) => {
      const tab = await page()
      const changes: OutboxChange[] = []
      tab.client.outbox.subscribe((c) => changes.push(c))
      answer = (c) => (c === 'a1' ? refusal(status, 'some_code') : stored(c))
      const first = send(tab, 'a1').catch((e) => e)
      const second = send(tab, 'a2')
      expect(await first).toMatchObject({ code: 'some_code', status })
      expect(await second).toMatchObject({ id: 'a2' })
      expect(browser.storage.length).toBe(0)
      expect(changes.find((c) => c.error)).toMatchObject({ item: { content: 'a1' }, error: { status } })
    },
  )

  it('because the session is over waits for the log-in', async () => {
    const tab = await page()
    answer = () => refusal(401, 'session_ended')
    const sent = send(tab, 'a')
    await sleep(600_000)
    expect(arrived).toHaveLength(1)
    answer = stored
    await tab.run(() => tab.client.login({ username: 'u', password: 'p' }))
    expect(await sent).toMatchObject({ id: 'a' })
  })

  it('is tried at once when the stream is back', async () => {
    const tab = await page()
    answer = offline
    const sent = send(tab, 'a')
    for (let i = 0; i < 6; i++) await sleep(10_000)
    answer = stored
    tab.connect()
    Source.last.ready()
    expect(await sent).toMatchObject({ id: 'a' })
  })
})

it('what may have been sent a day ago is not sent again: its key is forgotten by then', async () => {
  const tab = await page()
  answer = offline // after the service has stored it
  const lost = send(tab, 'a1').catch((e) => e)
  await sleep(0)
  ;(tab.env.navigator as { onLine: boolean }).onLine = false
  await sleep(24 * 3600_000)
  answer = stored
  const errors: unknown[] = []
  tab.client.outbox.subscribe((c) => c.error && errors.push(c.error.code))
  const late = send(tab, 'a2')
  const before = arrived.length
  tab.online(true)
  expect(await late).toMatchObject({ id: 'a2' })
  expect(errors).toEqual(['outbox_expired'])
  expect(await lost).toMatchObject({ code: 'outbox_expired' })
  expect(contents().slice(before)).toEqual(['a2'])
})

it('what was never sent is, however old', async () => {
  const tab = await page(false)
  const sent = send(tab, 'a')
  await sleep(72 * 3600_000)
  tab.online(true)
  expect(await sent).toMatchObject({ id: 'a' })
})

it('an item can be taken back', async () => {
  const tab = await page(false)
  const sent = send(tab, 'a').catch((e) => e)
  const [item] = tab.client.outbox.items
  tab.client.outbox.discard(item!.key)
  expect(await sent).toMatchObject({ code: 'discarded' })
  tab.online(true)
  await sleep(1000)
  expect(arrived).toEqual([])
  expect(browser.storage.length).toBe(0)
})

it('an item that is taken back while it is sent is settled once', async () => {
  const tab = await page()
  let release = () => {}
  answer = (c) =>
    new Promise((resolve) => {
      release = () => resolve(stored(c))
    })
  const sent = send(tab, 'a').catch((e) => e)
  await sleep(0)
  const settled: OutboxChange[] = []
  tab.client.outbox.subscribe((c) => settled.push(c))
  tab.client.outbox.discard(tab.client.outbox.items[0]!.key)
  release()
  expect(await sent).toMatchObject({ code: 'discarded' })
  await sleep(0)
  expect(settled).toHaveLength(1)
})

describe('tabs', () => {
  it('send one at a time: what one has taken up from another is sent once', async () => {
    const a = await page(false)
    const sent = [send(a, 'a1'), send(a, 'a2')]
    const b = await page(false) // takes them up
    expect(waiting(b)).toEqual(['a1', 'a2'])
    a.online(true)
    await Promise.all(sent)
    b.online(true)
    await sleep(1000)
    expect(contents()).toEqual(['a1', 'a2'])
    expect(waiting(b)).toEqual([])
  })

  it('send what a tab that crashed has left, once they have heard of it', async () => {
    const b = await page()
    const a = await page(false)
    send(a, 'a1')
    a.crash()
    b.connect()
    Source.last.ready()
    await sleep(1000)
    expect(contents()).toEqual(['a1'])
  })

  it('a caller gets its answer even when another tab was faster: the key gives it again', async () => {
    const a = await page(false)
    const sent = send(a, 'a1')
    const b = await page() // takes it up and sends it
    await sleep(1000)
    expect(contents()).toEqual(['a1'])
    expect(waiting(b)).toEqual([])
    a.online(true)
    expect(await sent).toMatchObject({ id: 'a1' })
    expect(new Set(arrived.map((x) => x.key)).size).toBe(1)
  })
})

describe('users', () => {
  it('who log out leave nothing behind', async () => {
    const tab = await page(false)
    const sent = send(tab, 'a').catch((e) => e)
    await tab.run(() => tab.client.logout())
    expect(await sent).toMatchObject({ code: 'logged_out' })
    expect(browser.storage.length).toBe(0)
    tab.online(true)
    await sleep(1000)
    expect(arrived).toEqual([])
  })

  it('do not send what another one wrote', async () => {
    let id = 1
    const other = async (url: unknown, init?: RequestInit) =>
      `${url}`.endsWith('/login') ? session(id) : fetch(url, init)
    const tab = browser.tab({ share: false, fetch: other }, false)
    const login = () => tab.run(() => tab.client.login({ username: 'u', password: 'p' }))
    await login()
    const sent = send(tab, 'of user 1').catch((e) => e)
    id = 2
    await login()
    expect(await sent).toMatchObject({ code: 'logged_out' })
    tab.online(true)
    await sleep(1000)
    expect(arrived).toEqual([])
    id = 1
    await login() // it waits for them
    await sleep(1000)
    expect(contents()).toEqual(['of user 1'])
  })
})

it('is not stopped by a listener that throws', async () => {
  const report = vi.fn()
  vi.stubGlobal('reportError', report)
  const tab = await page()
  tab.client.outbox.subscribe(() => {
    throw new Error('bad')
  })
  const sent = [send(tab, 'a1'), send(tab, 'a2')]
  expect(await Promise.all(sent)).toHaveLength(2)
  expect(report).toHaveBeenCalledTimes(4)
})

it('ignores what it cannot read in the storage', async () => {
  browser.storage.setItem('tidings:outbox::1:x', '{oops')
  browser.storage.setItem('tidings:outbox::1:y', '{}')
  browser.storage.setItem('other', 'x')
  const tab = await page()
  await sleep(1000)
  expect(waiting(tab)).toEqual([])
  expect(await send(tab, 'a')).toMatchObject({ id: 'a' })
})
