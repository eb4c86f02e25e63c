import { beforeEach, describe, expect, it, vi } from 'vitest'
import { Browser, Source, sleep, type Tab } from './browser.js'
import { refusal, Service } from './service.js'

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

  it('have a reset of the service all', async () => {
    const all = await browser.share(3)
    Source.last.frame('reset', { reason: 'expired' }, '9.0')
    await sleep(10)
    for (const t of all) expect(t.seen).toEqual(['reset expired'])
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

/** A small generator, so that a failure can be run again. */
function random(seed: number) {
  let s = seed
  return (n: number) => {
    s = (s * 48271) % 2147483647
    return s % n
  }
}

// Whatever tabs do, and however late they hear of each other: each sees the log in
// order, each entry once, without a hole but where a reset says so.
describe('a browser that nobody can trust', () => {
  it.each(Array.from({ length: Number(process.env.SEEDS ?? 300) }, (_, i) => i + 1))('seed %i', async (seed) => {
    const r = random(seed * 7919)
    browser.delay = () => r(40)
    const alive: { tab: Tab; from: number }[] = []
    const open = () => {
      const me = { tab: browser.tab(), from: -1 }
      me.tab.client.events.on('ready', () => {
        if (me.from >= 0) return
        me.from = service.log.length
        me.tab.seen.length = 0 // its lists are fetched now
      })
      alive.push(me)
      me.tab.connect()
    }
    for (let i = 0; i < 4; i++) open()
    await sleep(200)
    for (let step = 0; step < 120; step++) {
      const pick = alive.length ? alive[r(alive.length)]! : undefined
      switch (r(14)) {
        case 0:
          if (alive.length < 7) open()
          break
        case 1:
          if (pick && alive.length > 2) {
            pick.tab.crash()
            alive.splice(alive.indexOf(pick), 1)
          }
          break
        case 2:
          pick?.tab.hide()
          break
        case 3:
          for (const a of alive) if (!a.tab.frozen) a.tab.show()
          break
        case 4:
          if (r(3) === 0) pick?.tab.freeze()
          break
        case 5:
          for (const a of alive) a.tab.thaw()
          break
        case 6:
          for (const s of Source.open) s.fail()
          break
        case 7:
          await sleep(r(30_000))
          break
        case 8:
          pick?.tab.visible(true)
          break
        case 9:
          if (r(4) === 0) pick?.tab.online(true)
          break
        case 10:
          service.heartbeat()
          break
        default:
          service.publish(1 + r(3))
      }
      await sleep(r(60))
    }
    for (const a of alive) {
      a.tab.thaw()
      a.tab.show()
    }
    for (let i = 0; i < 12; i++) {
      await sleep(10_000)
      service.heartbeat()
    }
    service.publish(3)
    await sleep(1000)
    expect(Source.open).toHaveLength(1)
    for (const { tab, from } of alive) {
      expect(tab.state.status).toBe('open')
      const log = service.ids()
      const numbers = tab.seen.map((id) => (id.startsWith('reset') ? id : log.indexOf(id)))
      let last: number | undefined // none: before the first one, or after a gap that was told
      for (const n of numbers) {
        if (typeof n === 'string') last = undefined
        else {
          expect(last ?? n - 1, `${numbers}`).toBe(n - 1)
          last = n
        }
      }
      expect(last).toBe(log.length - 1)
      const [first] = numbers
      if (typeof first === 'number') expect(first, `${numbers}`).toBeLessThanOrEqual(from)
      expect(tab.errors.filter((e) => e !== 'silent')).toEqual([])
    }
  })
})
