import { beforeEach, describe, expect, it, vi } from 'vitest'
import { Browser, Source, sleep } from './browser.js'
import { json, message, refusal, session } from './service.js'

// Whose stream it is: sessions that end, change or are not known yet.

let browser: Browser

beforeEach(() => {
  browser = Browser.make()
})

describe('a stream that is refused', () => {
  it('by 401 ends with an error: EventSource hides the status, the session tells it', async () => {
    const fetch = vi.fn(async () => refusal(401, 'unauthenticated'))
    const tab = browser.tab({ share: false, fetch }).connect()
    Source.last.fail(true)
    await sleep(0)
    expect(fetch.mock.calls).toMatchObject([['/api/auth/session', { method: 'GET' }]])
    expect(tab.state).toEqual({ status: 'closed', reason: 'unauthorized' })
    expect(tab.errors).toEqual(['unauthorized'])
    await sleep(600_000)
    expect(Source.all).toHaveLength(1)
  })

  it.each([
    ['a gateway that is away', async () => json({}, 502)],
    ['a service that is away', async () => Promise.reject(new TypeError('failed'))],
    ['a session that is good', async () => session(1)],
  ])('by %s comes back', async (_, fetch) => {
    const tab = browser.tab({ share: false, fetch }).connect()
    Source.last.fail(true)
    await sleep(0)
    expect(tab.state.status).toBe('waiting')
    await sleep(3000)
    expect(Source.all).toHaveLength(2)
  })

  it('because somebody else is logged in now ends', async () => {
    const tab = browser.tab({ share: false, fetch: async () => session(2) }).connect()
    Source.last.fail(true)
    await sleep(0)
    expect(tab.state).toEqual({ status: 'closed', reason: 'other_user' })
    expect(tab.errors).toEqual(['other_user'])
  })

  it('is not examined any more when it was stopped meanwhile', async () => {
    const tab = browser.tab({ share: false, fetch: async () => refusal(401, 'unauthenticated') }).connect()
    Source.last.fail(true)
    tab.run(() => tab.client.events.disconnect())
    await sleep(0)
    expect(tab.state).toEqual({ status: 'closed', reason: 'stopped' })
    expect(tab.errors).toEqual([])
  })
})

describe('who it is', () => {
  it('is asked when the page does not know, until there is an answer', async () => {
    const fetch = vi.fn(async () => json({}, 503))
    const tab = browser.tab({ share: false, fetch, userId: undefined as never }).connect()
    await sleep(0)
    expect(tab.state.status).toBe('waiting')
    expect(Source.all).toHaveLength(0)
    fetch.mockImplementation(async () => session(1))
    await sleep(3000)
    Source.last.ready()
    Source.last.frame('message', message(1))
    expect(tab.seen).toEqual(['c:1-2/1/1'])
    expect(fetch).toHaveBeenCalledTimes(2)
  })

  it('401: no stream is opened at all', async () => {
    const tab = browser
      .tab({ share: false, fetch: async () => refusal(401, 'unauthenticated'), userId: undefined as never })
      .connect()
    await sleep(0)
    expect(tab.state).toEqual({ status: 'closed', reason: 'unauthorized' })
    expect(tab.errors).toEqual(['unauthorized'])
    expect(Source.all).toHaveLength(0)
  })

  it('a log-in opens the stream that was wanted', async () => {
    const fetch = vi.fn(async () => refusal(401, 'unauthenticated'))
    const tab = browser.tab({ share: false, fetch, userId: undefined as never }).connect()
    await sleep(0)
    fetch.mockImplementation(async () => session(5))
    await tab.run(() => tab.client.login({ username: 'u', password: 'p' }))
    Source.last.ready()
    Source.last.frame('message', message(1, 5))
    expect(tab.seen).toEqual(['c:1-2/1/1'])
  })

  it('a log-in as somebody else begins a new stream, without the old position', async () => {
    const tab = browser.opened({ fetch: async () => session(2) })
    Source.last.frame('message', message(1), 'p1')
    await tab.run(() => tab.client.login({ username: 'u', password: 'p' }))
    expect(Source.open).toEqual([Source.last])
    expect(Source.last.position).toBe('')
    Source.last.ready()
    Source.last.frame('message', message(1, 2))
    expect(tab.seen).toEqual(['c:1-2/1/1', 'c:1-2/1/1'])
  })

  it('an event of somebody else ends the stream and reaches no handler', () => {
    const tab = browser.opened()
    Source.last.frame('message', message(1, 2))
    expect(tab.seen).toEqual([])
    expect(tab.state).toEqual({ status: 'closed', reason: 'other_user' })
    expect(tab.errors).toEqual(['other_user'])
  })
})
