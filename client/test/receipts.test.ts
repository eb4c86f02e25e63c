import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type ReceiptsOptions, reportReceipts } from '../src/receipts.js'
import { Browser, Source, sleep, type Tab } from './browser.js'
import { message } from './service.js'

let browser: Browser
let tab: Tab
let source: Source
let sent: { url: string; init: RequestInit; receipts: { type: string; latencyMs?: number }[] }[]

const fetch = async (url: unknown, init: RequestInit = {}) => {
  sent.push({ url: `${url}`, init, receipts: JSON.parse(`${init.body}`).receipts })
  return new Response(null, { status: 202 })
}
const report = (options: Partial<ReceiptsOptions> = {}) =>
  reportReceipts(tab.client, { sample: 1, fetch: fetch as typeof globalThis.fetch, ...options })

/** The service's clock, which is 7 s behind this one, tells the time. */
const beat = (delay: number) => source.frame('heartbeat', { ts: Date.now() - 7000 - delay })
/** Something that was made so long ago. */
const told = (type: string, ago: number) =>
  source.frame('message', {
    userId: 1,
    type,
    data: { createdAt: new Date(Date.now() - 7000 - ago).toISOString() },
    eventId: `u:1/${++n}/1`,
  })
let n = 0

beforeEach(() => {
  sent = []
  n = 0
  browser = Browser.make()
  tab = browser.opened()
  source = Source.last
})

afterEach(() => {
  vi.restoreAllMocks()
})

describe('receipts', () => {
  it('are reported every 30 s, with latencies by the clock of the service', async () => {
    report()
    told('notification', 40) // before any heartbeat: the clock is known when it is reported
    beat(90)
    beat(20) // the quickest one counts
    told('friends_changed', 33)
    source.frame('message', {
      ...message(50),
      data: { message: { createdAt: new Date(Date.now() - 7100).toISOString() } },
    })
    source.frame('message', { userId: 1, type: 'order_shipped', data: null, eventId: `u:1/${++n}/1` })
    const updatedAt = new Date(Date.now() - 7060).toISOString()
    source.frame('message', {
      userId: 1,
      type: 'group_update',
      data: { groupChat: { updatedAt } },
      eventId: `u:1/${++n}/1`,
    })
    told('read', -500) // impossible, but clocks jump
    told('notification', 90_000) // caught up on
    await sleep(29_999)
    expect(sent).toEqual([])
    await sleep(1)
    expect(sent).toHaveLength(1)
    expect(sent[0]).toMatchObject({
      url: '/api/events/receipts',
      init: { method: 'POST', credentials: 'include', keepalive: true },
    })
    expect(sent[0]!.receipts).toEqual([
      { type: 'notification', latencyMs: 20 },
      { type: 'friends_changed', latencyMs: 13 },
      { type: 'message', latencyMs: 80 },
      { type: 'order_shipped' },
      { type: 'group_update', latencyMs: 40 },
      { type: 'read', latencyMs: 0 },
      { type: 'notification' },
    ])
    await sleep(60_000)
    expect(sent).toHaveLength(1) // nothing came, nothing is told
  })

  it('have no latency while the clock of the service is not known', async () => {
    report()
    told('notification', 40)
    await sleep(30_000)
    expect(sent[0]!.receipts).toEqual([{ type: 'notification' }])
  })

  it('are at most 100 in 30 s', async () => {
    report()
    for (let i = 0; i < 250; i++) told('notification', 1)
    await sleep(30_000)
    told('read', 1)
    await sleep(30_000)
    expect(sent.map((s) => s.receipts.length)).toEqual([100, 1])
  })

  it('are reported by the share of pages that is asked for', async () => {
    const random = vi.spyOn(Math, 'random')
    random.mockReturnValue(0.1)
    report({ sample: 0.1 })
    report({ sample: 0 })
    told('read', 1)
    await sleep(30_000)
    expect(sent).toEqual([])
    random.mockReturnValue(0.099)
    report({ sample: 0.1 })
    told('read', 1)
    await sleep(30_000)
    expect(sent).toHaveLength(1)
  })

  it('go where the client goes, as who it is', async () => {
    report({ url: 'https://api.example', token: async () => 'secret' })
    told('read', 1)
    await sleep(30_000)
    expect(sent[0]).toMatchObject({
      url: 'https://api.example/api/events/receipts',
      init: { credentials: 'omit', headers: { Authorization: 'Bearer secret' } },
    })
  })

  it('end with what it returned, the last ones told; a lost report is no error', async () => {
    const failing = vi.fn(async () => Promise.reject(new Error('offline')))
    const end = report({ fetch: failing })
    const stop = report()
    told('read', 1)
    end()
    stop()
    await sleep(0)
    expect(failing).toHaveBeenCalledOnce()
    expect(sent).toHaveLength(1)
    told('read', 1)
    await sleep(60_000)
    expect(sent).toHaveLength(1)
  })
})
