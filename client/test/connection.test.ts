import { beforeEach, describe, expect, it, vi } from 'vitest'
import { Browser, Source, sleep } from './browser.js'
import { message, refusal, session } from './service.js'

// A stream from its opening to its end: states, reconnection, positions.

let browser: Browser

beforeEach(() => {
  browser = Browser.make()
})

describe('state', () => {
  it('is open when the position is fixed, not before', () => {
    const tab = browser.tab({ share: false })
    expect(tab.state).toEqual({ status: 'closed', reason: 'stopped' })
    tab.connect()
    expect(tab.state).toEqual({ status: 'connecting' })
    Source.last.frame('heartbeat', { ts: 1 })
    expect(tab.state).toEqual({ status: 'connecting' })
    Source.last.ready()
    expect(tab.state).toEqual({ status: 'open' })
  })

  it('connects once, however often it is asked', () => {
    const tab = browser.opened()
    tab.connect().connect()
    expect(Source.all).toHaveLength(1)
  })

  it('disconnects, and goes on from where it was', () => {
    const tab = browser.opened()
    Source.last.frame('message', message(1), 'p1')
    tab.run(() => tab.client.events.disconnect())
    expect(tab.state).toEqual({ status: 'closed', reason: 'stopped' })
    expect(Source.open).toHaveLength(0)
    tab.connect()
    expect(Source.last.position).toBe('p1')
    expect(tab.errors).toEqual([])
  })

  it('tells listeners of each change until they leave', () => {
    const tab = browser.tab({ share: false })
    const heard = vi.fn()
    const leave = tab.client.events.subscribe(heard)
    tab.connect()
    Source.last.ready()
    expect(heard).toHaveBeenCalledTimes(2)
    leave()
    Source.last.fail()
    expect(heard).toHaveBeenCalledTimes(2)
  })
})

describe('back-off', () => {
  it('doubles from reconnectDelay to 30 s, jittered by half', async () => {
    const tab = browser.opened()
    const waits: number[] = []
    for (let i = 0; i < 7; i++) {
      Source.last.fail()
      if (tab.state.status !== 'waiting') throw new Error(tab.state.status)
      waits.push(tab.state.until - Date.now())
      const before = Source.all.length
      await sleep(waits[i]! - 1)
      expect(Source.all).toHaveLength(before)
      await sleep(1)
      expect(Source.all).toHaveLength(before + 1)
    }
    const most = [3000, 6000, 12000, 24000, 30000, 30000, 30000]
    waits.forEach((w, i) => {
      expect(w).toBeGreaterThanOrEqual(most[i]! / 2)
      expect(w).toBeLessThanOrEqual(most[i]!)
    })
    expect(new Set(waits.slice(4)).size).toBeGreaterThan(1) // jitter at the top, too
  })

  it('begins anew after a stable minute, not before', async () => {
    const tab = browser.opened()
    const wait = () => (tab.state.status === 'waiting' ? tab.state.until - Date.now() : Number.NaN)
    for (let i = 0; i < 4; i++) {
      Source.last.fail()
      await sleep(wait())
    }
    Source.last.ready()
    await sleep(59_000)
    Source.last.fail()
    expect(wait()).toBeGreaterThanOrEqual(15_000)
    await sleep(wait())
    Source.last.ready()
    await sleep(60_000)
    Source.last.fail()
    expect(wait()).toBeLessThanOrEqual(3000)
  })

  it('takes reconnectDelay from connect', async () => {
    const tab = browser.tab({ share: false })
    tab.run(() => tab.client.events.connect({ reconnectDelay: 100 }))
    Source.last.fail()
    expect(tab.state).toMatchObject({ status: 'waiting' })
    await sleep(100)
    expect(Source.all).toHaveLength(2)
  })

  it('stays closed without autoReconnect, and says so', async () => {
    const tab = browser.tab({ share: false })
    tab.run(() => tab.client.events.connect({ autoReconnect: false }))
    Source.last.fail()
    expect(tab.state).toMatchObject({ status: 'closed', reason: 'lost' })
    expect(tab.errors).toEqual(['lost'])
    await sleep(120_000)
    expect(Source.all).toHaveLength(1)
  })
})

describe('position', () => {
  it('is kept outside the EventSource and given to the next one', async () => {
    browser.opened()
    Source.last.frame('message', message(1), 'a+b/=')
    Source.last.fail()
    await sleep(3000)
    expect(Source.last.url).toBe('/api/events?lastEventId=a%2Bb%2F%3D')
    Source.last.fail() // before it has said anything
    await sleep(6000)
    expect(Source.last.position).toBe('a+b/=')
  })

  it('moves with blocks that hold nothing but an id', async () => {
    browser.opened()
    Source.last.lastEventId = 'p7' // EventSource shows it with the next event
    Source.last.frame('heartbeat', { ts: 1 })
    Source.last.fail()
    await sleep(3000)
    expect(Source.last.position).toBe('p7')
  })

  it('joins a query that is there', async () => {
    browser.opened({ events: '/api/events?types=message' })
    Source.last.fail()
    await sleep(3000)
    expect(Source.last.url).toBe('/api/events?types=message&lastEventId=p0')
  })
})

describe('what the service says', () => {
  it('reconnect: comes back after that delay, which is no failure', async () => {
    const tab = browser.opened()
    Source.last.frame('reconnect', { delayMs: 47_000 })
    expect(tab.state).toEqual({ status: 'waiting', until: Date.now() + 47_000 })
    expect(Source.open).toHaveLength(0)
    await sleep(46_999)
    expect(Source.all).toHaveLength(1)
    await sleep(1)
    expect(Source.all).toHaveLength(2)
    Source.last.fail()
    expect(tab.state.status === 'waiting' && tab.state.until - Date.now()).toBeLessThanOrEqual(3000)
  })

  it.each([{}, { delayMs: -5 }, { delayMs: 'soon' }])('reconnect %j: comes back at once', async (data) => {
    browser.opened()
    Source.last.frame('reconnect', data)
    await sleep(0)
    expect(Source.all).toHaveLength(2)
  })

  it('revoked: closes for good', async () => {
    const tab = browser.opened()
    Source.last.frame('revoked', { reason: 'replaced' })
    expect(tab.state).toEqual({ status: 'closed', reason: 'revoked', detail: 'replaced' })
    expect(tab.errors).toEqual(['revoked'])
    await sleep(600_000)
    expect(Source.all).toHaveLength(1)
  })

  it('revoked by the log-out: closes without an error', () => {
    const tab = browser.opened()
    Source.last.frame('revoked', { reason: 'logout' })
    expect(tab.state).toEqual({ status: 'closed', reason: 'revoked', detail: 'logout' })
    expect(tab.errors).toEqual([])
  })

  it('expired: the cookie may have been renewed since', async () => {
    const fetch = vi.fn(async () => session(1))
    const tab = browser.opened({ fetch })
    Source.last.frame('revoked', { reason: 'expired' })
    await sleep(0)
    expect(tab.state.status).toBe('waiting')
    fetch.mockImplementation(async () => refusal(401, 'session_ended'))
    await sleep(3000)
    Source.last.ready(true)
    Source.last.frame('revoked', { reason: 'expired' })
    await sleep(0)
    expect(tab.state).toEqual({ status: 'closed', reason: 'revoked', detail: 'expired' })
  })
})
