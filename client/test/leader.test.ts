import { beforeEach, describe, expect, it } from 'vitest'
import { Browser, Source, sleep, type Tab } from './browser.js'
import { Service } from './service.js'

// One tab holds the stream of all: who that is, and how another one takes over.

let browser: Browser
let service: Service

beforeEach(() => {
  browser = Browser.make()
  service = new Service()
})

describe('seven tabs', () => {
  it.each(['crash', 'close', 'hide'] as const)(
    'go on when the leader is gone (%s): nothing lost, nothing doubled',
    async (how) => {
      const all = await browser.share(7)
      service.publish(3)
      await sleep(100)
      const old = browser.leader
      service.publish(2) // on their way when it goes
      old[how]()
      service.publish(2)
      await sleep(100)
      service.publish(1)
      await sleep(100)
      const rest = all.filter((t) => t !== old)
      expect(Source.open).toHaveLength(1)
      expect(browser.leader).not.toBe(old)
      for (const t of rest) {
        expect(t.state).toEqual({ status: 'open' })
        expect(t.seen).toEqual(service.ids(0, 8))
      }
    },
  )

  it('go on when the leader crashes before it could pass on what it got', async () => {
    const all = await browser.share(7)
    const old = browser.leader
    for (const c of old.channels) c.postMessage = () => {} // nothing comes out any more
    service.publish(3)
    expect(old.seen).toEqual(service.ids(0, 3))
    old.crash()
    await sleep(100)
    for (const t of all.filter((t) => t !== old)) expect(t.seen).toEqual(service.ids(0, 3))
  })

  it('take over from a leader that is frozen, which follows when it thaws', async () => {
    const all = await browser.share(7)
    service.publish(1)
    await sleep(10)
    const old = browser.leader
    old.freeze()
    service.publish(2) // the frozen tab's stream takes them, and nobody sees it
    await sleep(100_000)
    const rest = all.filter((t) => t !== old)
    for (const t of rest) {
      expect(t.seen).toEqual(service.ids(0, 3))
      expect(t.state.status).toBe('open')
    }
    old.thaw()
    await sleep(100)
    service.publish(1)
    await sleep(100)
    expect(Source.open).toHaveLength(1)
    expect(browser.leader).not.toBe(old)
    for (const t of rest) expect(t.seen).toEqual(service.ids(0, 4))
    expect(old.seen.filter((id) => !id.startsWith('reset'))).toEqual(service.ids(0, 4))
    expect(all.flatMap((t) => t.errors)).toEqual([])
  })

  it('leave a leader alone that answers: heartbeats pass for life, and silence is asked about first', async () => {
    await browser.share(3)
    const first = browser.leader
    for (let i = 0; i < 10; i++) {
      await sleep(25_000)
      service.heartbeat()
    }
    expect(Source.all).toHaveLength(1)
    // The stream is silent; its tab isn't. It is the leader who gives the stream up.
    await sleep(90_000)
    expect(browser.leader).toBe(first)
  })

  it('are not disturbed by a tab that thaws and takes itself for the leader', async () => {
    const [a, b, c] = (await browser.share(3)) as [Tab, Tab, Tab]
    expect(browser.leader).toBe(a)
    b.freeze() // it is the next one
    a.close() // so the lock goes to it, and it doesn't know
    await sleep(100_000)
    expect(browser.leader).toBe(c)
    b.thaw()
    await sleep(100)
    service.publish(1)
    await sleep(100)
    for (const t of [b, c]) {
      expect(t.state.status).toBe('open')
      expect(t.seen.filter((id) => !id.startsWith('reset'))).toEqual(service.ids(0, 1))
    }
    expect(Source.open).toHaveLength(1)
  })

  it('resume where the leader was when its stream breaks', async () => {
    const all = await browser.share(3)
    service.down = true
    Source.open[0]!.fail()
    service.publish(2)
    await sleep(10)
    for (const t of all) expect(t.state.status).toBe('waiting')
    service.down = false
    await sleep(3100)
    for (const t of all) expect(t.seen).toEqual(service.ids(0, 2))
    expect(Source.all).toHaveLength(2)
  })

  it('wake the leader when one of them is looked at', async () => {
    const all = await browser.share(2)
    service.down = true
    Source.open[0]!.fail()
    service.down = false
    await sleep(10)
    all.find((t) => t !== Source.last.tab)!.visible(true)
    await sleep(100)
    expect(all.map((t) => t.state.status)).toEqual(['open', 'open'])
  })

  it('are each told that a stream begins anew', async () => {
    Source.onopen = (s) => setTimeout(() => s.ready(false), 1) // a service without positions
    const all = await browser.share(3)
    browser.leader.crash()
    await sleep(100)
    const rest = all.filter((t) => !t.dead)
    for (const t of rest) expect(t.seen).toEqual(['reset not_resumed'])
  })
})
