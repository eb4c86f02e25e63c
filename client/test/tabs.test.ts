import { beforeEach, describe, expect, it, vi } from 'vitest'
import { Browser, Source, sleep, type Tab } from './browser.js'
import { refusal, Service } from './service.js'

// Tabs of one user share a stream: what each of them sees, and how it ends.

let browser: Browser
let service: Service

beforeEach(() => {
  browser = Browser.make()
  service = new Service()
})

describe('seven tabs', () => {
  it('have one stream, and each gets each event once', async () => {
    const all = await browser.share(7)
    service.publish(3)
    await sleep(100)
    expect(Source.all).toHaveLength(1)
    for (const t of all) {
      expect(t.state).toEqual({ status: 'open' })
      expect(t.seen).toEqual(service.ids(0, 3))
    }
  })

  it('each get a ready, also the one that comes late', async () => {
    await browser.share(2)
    const late = browser.tab()
    const ready = vi.fn()
    late.client.events.on('ready', ready)
    late.connect()
    await sleep(100)
    expect(ready).toHaveBeenCalledOnce()
    expect(ready.mock.calls[0]![0]).toMatchObject({ data: { resumed: false } })
    expect(late.seen).toEqual([])
    expect(late.states).toEqual(['connecting', 'connecting', 'open'].slice(-late.states.length))
  })

  it('let a tab that returns catch up from the others, without a reset', async () => {
    const [a, b] = (await browser.share(2)) as [Tab, Tab]
    const away = browser.leader === a ? b : a
    service.publish(1)
    await sleep(10)
    away.hide()
    service.publish(5)
    await sleep(100)
    expect(away.seen).toEqual(service.ids(0, 1))
    away.show()
    await sleep(100)
    expect(away.seen).toEqual(service.ids(0, 6))
    expect(Source.all).toHaveLength(1)
  })

  it('tell a tab that was away too long to fetch its lists again', async () => {
    const [a, b] = (await browser.share(2)) as [Tab, Tab]
    const away = browser.leader === a ? b : a
    service.publish(1)
    await sleep(10)
    away.hide()
    service.publish(200)
    await sleep(100)
    away.show()
    await sleep(100)
    service.publish(1)
    await sleep(10)
    expect(away.seen).toEqual([...service.ids(0, 1), 'reset not_resumed', ...service.ids(201, 202)])
  })

  it('do not fill a gap with what only seems to fit: the one who answers has one of its own', async () => {
    const [a, b, c] = (await browser.share(3)) as [Tab, Tab, Tab]
    expect(browser.leader).toBe(a)
    service.publish(1)
    await sleep(10)
    c.hide()
    service.publish(1)
    await sleep(10)
    b.hide()
    service.publish(200)
    await sleep(100)
    b.show()
    await sleep(100)
    a.close()
    await sleep(100)
    expect(browser.leader).toBe(b)
    c.show()
    await sleep(100)
    service.publish(1)
    await sleep(100)
    expect(c.seen).toEqual([...service.ids(0, 1), 'reset not_resumed', ...service.ids(202, 203)])
  })

  it('notice a frame that never came', async () => {
    const [a, b] = (await browser.share(2)) as [Tab, Tab]
    const follower = browser.leader === a ? b : a
    const [channel] = follower.channels
    const hear = channel!.onmessage
    channel!.onmessage = null
    service.publish(1)
    await sleep(10)
    channel!.onmessage = hear
    service.publish(1)
    await sleep(100)
    expect(follower.seen).toEqual(service.ids(0, 2))
  })

  it('have a reset of the service all', async () => {
    const all = await browser.share(3)
    Source.last.frame('reset', { reason: 'expired' }, '9.0')
    await sleep(10)
    for (const t of all) expect(t.seen).toEqual(['reset expired'])
  })
})

describe('the end', () => {
  it('by the service ends all tabs', async () => {
    const all = await browser.share(7)
    Source.last.frame('revoked', { reason: 'deleted' })
    await sleep(100)
    for (const t of all) {
      expect(t.state).toEqual({ status: 'closed', reason: 'revoked', detail: 'deleted' })
      expect(t.errors).toEqual(['revoked'])
    }
    expect(Source.open).toHaveLength(0)
    await sleep(600_000)
    expect(Source.all).toHaveLength(1)
  })

  it('by a log-out in a tab that does not lead ends the others, at once', async () => {
    const all = Array.from({ length: 3 }, () =>
      browser.tab({ fetch: async () => new Response(null, { status: 204 }) }).connect(),
    )
    await sleep(100)
    const follower = all.find((t) => t !== browser.leader)!
    await follower.run(() => follower.client.logout())
    await sleep(100)
    for (const t of all) {
      expect(t.state).toEqual({ status: 'closed', reason: 'revoked', detail: 'logout' })
      expect(t.errors).toEqual([])
    }
    expect(Source.open).toHaveLength(0)
  })

  it('by 401 ends all with an error', async () => {
    const fetch = async () => refusal(401, 'session_ended')
    const all = Array.from({ length: 3 }, () => browser.tab({ fetch }).connect())
    await sleep(100)
    Source.last.fail(true)
    await sleep(100)
    for (const t of all) {
      expect(t.state).toMatchObject({ status: 'closed', reason: 'unauthorized' })
      expect(t.errors).toEqual(['unauthorized'])
    }
  })

  it('of one tab is no end for the others', async () => {
    const all = await browser.share(3)
    const first = browser.leader
    first.run(() => first.client.events.disconnect())
    await sleep(100)
    service.publish(1)
    await sleep(100)
    expect(first.state).toEqual({ status: 'closed', reason: 'stopped' })
    for (const t of all.filter((t) => t !== first)) expect(t.seen).toEqual(service.ids(0, 1))
    expect(first.seen).toEqual([])
  })
})

describe('each has its own', () => {
  it('when they are different users or services or selections', async () => {
    const options = [{}, { userId: 2 }, { url: 'https://b.example' }, { events: '/api/events?types=message' }]
    for (const o of options) browser.tab(o).connect()
    await sleep(100)
    expect(Source.open).toHaveLength(4)
  })

  it.each(['locks', 'BroadcastChannel'])('without %s', async (missing) => {
    for (let i = 0; i < 3; i++) {
      const tab = browser.tab()
      if (missing === 'locks') Object.assign(tab.env, { navigator: { onLine: true } })
      else Object.assign(tab.env, { BroadcastChannel: undefined })
      tab.connect()
    }
    await sleep(100)
    service.publish(2)
    await sleep(10)
    expect(Source.open).toHaveLength(3)
    for (const t of browser.tabs) expect(t.seen).toEqual(service.ids(0, 2))
  })

  it('where the browser refuses locks', async () => {
    for (let i = 0; i < 2; i++) {
      const tab = browser.tab()
      const locks = { request: () => Promise.reject(new DOMException('sandboxed', 'SecurityError')) }
      Object.assign(tab.env, { navigator: { onLine: true, locks } })
      tab.connect()
    }
    await sleep(100)
    service.publish(2)
    await sleep(10)
    expect(Source.open).toHaveLength(2)
    for (const t of browser.tabs) expect(t.seen).toEqual(service.ids(0, 2))
  })

  it('when it is told not to share', async () => {
    for (let i = 0; i < 2; i++) browser.tab({ share: false }).connect()
    await sleep(100)
    expect(Source.open).toHaveLength(2)
  })
})
