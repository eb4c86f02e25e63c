import { beforeEach, describe, expect, it, vi } from 'vitest'
import { createTidings, type TidingsError } from '../src/index.js'
import { Browser, Source, sleep, type Tab } from './browser.js'
import { message, refusal, session } from './service.js'

let browser: Browser
let tab: Tab
let source: Source

beforeEach(() => {
  browser = Browser.make()
  tab = browser.opened()
  source = Source.last
})

describe('handlers', () => {
  it('get {userId, type, data} of their type', () => {
    const heard = vi.fn()
    tab.client.events.on('message', heard)
    source.frame('message', message(1))
    source.frame('message', { userId: 1, type: 'typing', data: {} })
    expect(heard).toHaveBeenCalledExactlyOnceWith(message(1))
  })

  it('of types that this version does not know get them too', () => {
    const heard = vi.fn()
    tab.client.events.on('order_shipped', heard)
    source.frame('message', { userId: 1, type: 'order_shipped', data: { order: 7 }, eventId: 'u:1/3/1' })
    expect(heard).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ data: { order: 7 } }))
  })

  it('end by off, and by what on returned, one registration at a time', () => {
    const heard = vi.fn()
    const { events } = tab.client
    const end = events.on('message', heard)
    events.on('message', heard) // another component, the same function
    source.frame('message', message(1))
    expect(heard).toHaveBeenCalledTimes(2)
    end()
    end() // takes nothing that isn't its own
    source.frame('message', message(2))
    expect(heard).toHaveBeenCalledTimes(3)
    events.off('message', heard)
    events.off('message', heard)
    source.frame('message', message(3))
    expect(heard).toHaveBeenCalledTimes(3)
  })

  it('may come and go while an event is told', () => {
    const late = vi.fn()
    const { events } = tab.client
    const first = vi.fn(() => {
      events.off('message', first)
      events.on('message', late)
    })
    const second = vi.fn()
    events.on('message', first)
    events.on('message', second)
    source.frame('message', message(1))
    expect([first, second, late].map((f) => f.mock.calls.length)).toEqual([1, 1, 0])
    source.frame('message', message(2))
    expect([first, second, late].map((f) => f.mock.calls.length)).toEqual([1, 2, 1])
  })

  it('that throw break no others; onError hears of it', () => {
    const bad = new Error('bad')
    const heard: TidingsError[] = []
    const good = vi.fn()
    tab.client.events.onError((e) => heard.push(e))
    tab.client.events.onError(() => {
      throw new Error('worse')
    })
    const report = vi.fn()
    vi.stubGlobal('reportError', report)
    tab.client.events.on('message', () => {
      throw bad
    })
    tab.client.events.on('message', good)
    source.frame('message', message(1))
    source.frame('message', message(2))
    expect(good).toHaveBeenCalledTimes(2)
    expect(heard.map((e) => [e.code, e.cause])).toEqual([
      ['handler', bad],
      ['handler', bad],
    ])
    expect(report).toHaveBeenCalledTimes(2)
    expect(tab.state.status).toBe('open')
  })

  it('without an onError: the browser reports it as uncaught', () => {
    const report = vi.fn()
    vi.stubGlobal('reportError', report)
    const { events } = createTidings({ share: false, userId: 1 }, tab.env)
    const bad = new Error('bad')
    events.on('message', () => {
      throw bad
    })
    events.connect()
    Source.last.frame('message', message(1))
    events.disconnect()
    expect(report).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code: 'handler', cause: bad }))
  })

  it('that throw while the state changes break nothing', () => {
    const report = vi.fn()
    vi.stubGlobal('reportError', report)
    tab.client.events.subscribe(() => {
      throw new Error('bad')
    })
    source.fail()
    expect(tab.state.status).toBe('waiting')
    expect(report).toHaveBeenCalledOnce()
  })

  it('hear nothing any more when one of them disconnects', () => {
    tab.client.events.on('message', () => tab.client.events.disconnect())
    source.frame('message', [message(1), message(2)])
    expect(tab.seen).toEqual(['c:1-2/1/1'])
  })
})

describe('what was seen', () => {
  it('is dropped: each log by its own order', () => {
    const of = (log: string, seq: number, part: number) =>
      source.frame('message', { userId: 1, type: 'message', data: {}, eventId: `${log}/${seq}/${part}` })
    of('c:1-2', 5, 1)
    of('c:1-2', 5, 2)
    of('c:1-2', 5, 3)
    of('c:1-2', 5, 2)
    of('g:x', 4, 3)
    of('c:1-2', 4, 3)
    of('c:1-2', 10, 1)
    of('c:1-2', 9, 3)
    of('u:1', 1, 1)
    expect(tab.seen).toEqual(['c:1-2/5/1', 'c:1-2/5/2', 'c:1-2/5/3', 'g:x/4/3', 'c:1-2/10/1', 'u:1/1/1'])
  })

  it('does not count for ephemeral events, and ids of another kind are let through', () => {
    const heard = vi.fn()
    tab.client.events.on('typing', heard)
    source.frame('message', { userId: 1, type: 'typing', data: {} })
    source.frame('message', { userId: 1, type: 'typing', data: {} })
    source.frame('message', { userId: 1, type: 'typing', data: {}, eventId: 'new-kind' })
    source.frame('message', { userId: 1, type: 'typing', data: {}, eventId: 'new-kind' })
    expect(heard).toHaveBeenCalledTimes(4)
  })

  it('has a bound: of more logs than a user can have, those are kept that were heard of last', () => {
    const of = (log: number) =>
      source.frame('message', { userId: 1, type: 'message', data: {}, eventId: `g:${log}/1/1` })
    for (let log = 0; log < 4096; log++) of(log)
    source.frame('message', { userId: 1, type: 'message', data: {}, eventId: 'g:0/2/1' })
    of(4096) // instead of log 1
    const before = tab.seen.length
    of(2)
    of(0)
    expect(tab.seen).toHaveLength(before)
    of(1)
    expect(tab.seen).toHaveLength(before + 1)
  })

  it('is forgotten by a reset: logs may begin anew', () => {
    source.frame('message', message(9))
    source.frame('reset', { reason: 'invalid' }, 'p5')
    source.frame('message', message(1))
    expect(tab.seen).toEqual(['c:1-2/9/1', 'reset invalid', 'c:1-2/1/1'])
  })
})

describe('frames', () => {
  it('of several events (batch) are taken apart', () => {
    source.frame('message', [message(1), message(2), message(2)])
    expect(tab.seen).toEqual(['c:1-2/1/1', 'c:1-2/2/1'])
  })

  it('that are no JSON are an error, and nothing else', () => {
    source.frame('message', 'oops', 'p1')
    source.frame('message', message(1))
    expect(tab.errors).toEqual(['malformed'])
    expect(tab.seen).toEqual(['c:1-2/1/1'])
  })

  it.each([[null], [5], ['x'], [{}], [[]], [[null]]])('of an unknown kind are ignored: %j', (data) => {
    const heard = vi.fn()
    tab.client.events.on('*', heard)
    source.frame('message', JSON.stringify(data))
    expect(heard).not.toHaveBeenCalled()
    expect(tab.errors).toEqual([])
    expect(tab.state.status).toBe('open')
  })

  it('of the stream itself reach handlers, too', () => {
    const heard: string[] = []
    tab.client.events.on('*', (e) => heard.push(`${e.type} ${e.userId}`))
    source.frame('heartbeat', { ts: 1 })
    source.frame('reset', { reason: 'overflow' })
    expect(heard).toEqual(['heartbeat 1', 'reset 1'])
  })
})

describe('a gap', () => {
  async function back() {
    Source.last.fail()
    if (tab.state.status === 'waiting') await sleep(tab.state.until - Date.now())
  }
  async function again(resumed: boolean) {
    await back()
    Source.last.ready(resumed)
  }

  it('is told: the stream could not be resumed', async () => {
    await again(false)
    expect(tab.seen).toEqual(['reset not_resumed'])
  })

  it('is none at the beginning, nor when the stream was resumed', async () => {
    expect(tab.seen).toEqual([])
    await again(true)
    expect(tab.seen).toEqual([])
  })

  it('is told once, whether ready or reset comes first', async () => {
    await again(false)
    Source.last.frame('reset', { reason: 'expired' }, 'p9')
    expect(tab.seen).toEqual(['reset not_resumed'])
    await back()
    Source.last.frame('reset', { reason: 'expired' }, 'p9')
    Source.last.ready(false)
    expect(tab.seen).toEqual(['reset not_resumed', 'reset expired'])
  })

  it('is told again when there is another one', async () => {
    await again(false)
    Source.last.frame('message', message(1))
    Source.last.frame('reset', { reason: 'overflow' }, 'p9')
    await again(false)
    await again(false)
    expect(tab.seen).toEqual([
      'reset not_resumed',
      'c:1-2/1/1',
      'reset overflow',
      'reset not_resumed',
      'reset not_resumed',
    ])
  })

  it('moves the position to that of the reset', async () => {
    source.frame('reset', { reason: 'overflow' }, 'p9')
    source.fail()
    await sleep(3000)
    expect(Source.last.position).toBe('p9')
  })
})

it('the same user who logs in again after data were lost sees all of it', async () => {
  const fetch = vi.fn(async () => refusal(401, 'session_ended'))
  const page = browser.tab({ share: false, fetch }).connect()
  Source.last.ready()
  Source.last.frame('message', message(9))
  Source.last.fail(true)
  await sleep(0)
  expect(page.state).toMatchObject({ reason: 'unauthorized' })
  fetch.mockImplementation(async () => session(1))
  page.connect()
  await sleep(0)
  Source.last.ready()
  Source.last.frame('message', message(1))
  expect(page.seen).toEqual(['c:1-2/9/1', 'c:1-2/1/1'])
})
