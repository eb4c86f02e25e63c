import { beforeEach, describe, expect, it, vi } from 'vitest'
import { Browser, Source, sleep } from './browser.js'
import { json, message, refusal, session } from './service.js'

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

describe('a stream that is silent', () => {
  it('for 75 s is given up, with an error that names the likely reason', async () => {
    const tab = browser.opened()
    await sleep(74_000)
    expect(tab.state.status).toBe('open')
    await sleep(1000)
    expect(tab.state.status).toBe('waiting')
    expect(tab.errors).toEqual(['silent'])
  })

  it('is not opened again when that error makes the page stop it', async () => {
    const tab = browser.opened()
    tab.client.events.onError(() => tab.client.events.disconnect())
    await sleep(600_000)
    expect(tab.state).toEqual({ status: 'closed', reason: 'stopped' })
    expect(Source.all).toHaveLength(1)
  })

  it('from the start is given up too: a proxy holds it back', async () => {
    const tab = browser.tab({ share: false }).connect()
    await sleep(80_000)
    expect(tab.errors).toEqual(['silent'])
  })

  it('but for heartbeats is alive', async () => {
    const tab = browser.opened()
    for (let i = 0; i < 20; i++) {
      await sleep(25_000)
      Source.last.frame('heartbeat', { ts: 1 })
    }
    expect(tab.states).toEqual(['connecting', 'open'])
    expect(Source.all).toHaveLength(1)
  })
})

describe('wakes up', () => {
  it('when the machine has slept: timers stood still, the clock did not', async () => {
    const tab = browser.opened()
    vi.setSystemTime(Date.now() + 3600_000)
    await sleep(5000)
    expect(tab.state.status).toBe('waiting')
  })

  it('at once when the page is looked at after a sleep', () => {
    const tab = browser.opened()
    vi.setSystemTime(Date.now() + 46_000)
    tab.visible(true)
    expect(tab.state.status).toBe('connecting')
    expect(Source.all).toHaveLength(2)
    expect(Source.open).toHaveLength(1)
  })

  it('out of a back-off when the page is looked at', () => {
    const tab = browser.opened()
    Source.last.fail()
    tab.visible(true)
    expect(tab.state.status).toBe('connecting')
  })

  it('when the network is back, since the old connection went with the old network', () => {
    const tab = browser.opened()
    tab.online(true)
    expect(Source.all).toHaveLength(2)
    expect(Source.open).toEqual([Source.last])
    expect(tab.state.status).toBe('connecting')
  })

  it('from the back/forward cache, at its position', async () => {
    const tab = browser.opened()
    tab.hide()
    expect(Source.open).toHaveLength(0)
    await sleep(600_000)
    expect(Source.all).toHaveLength(1)
    tab.show()
    expect(Source.last.position).toBe('p0')
    expect(Source.open).toHaveLength(1)
  })

  it('from a freeze', () => {
    const tab = browser.opened()
    tab.document.dispatchEvent(new Event('freeze'))
    expect(Source.open).toHaveLength(0)
    tab.document.dispatchEvent(new Event('resume'))
    expect(Source.open).toHaveLength(1)
  })

  it('not when there is no need', async () => {
    const tab = browser.opened()
    await sleep(20_000)
    tab.visible(true)
    tab.page.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: false }))
    expect(Source.all).toHaveLength(1)
  })

  it('no more when it was stopped', async () => {
    const tab = browser.opened()
    tab.run(() => tab.client.events.disconnect())
    tab.online(true)
    tab.visible(true)
    tab.show()
    await sleep(600_000)
    expect(Source.all).toHaveLength(1)
  })

  it('does not close in a hidden tab', async () => {
    const tab = browser.opened()
    tab.visible(false)
    await sleep(20_000)
    expect(tab.state.status).toBe('open')
    expect(Source.open).toHaveLength(1)
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
