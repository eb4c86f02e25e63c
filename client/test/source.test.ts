import { beforeEach, describe, expect, it, vi } from 'vitest'
import { fetchSource, parser } from '../src/source.js'
import { Browser, sleep } from './browser.js'
import { message, refusal, session } from './service.js'

type Frame = [name: string, data: string, id: string]

describe('parser', () => {
  const text = [
    '\u00e9: no field\n',
    ': a comment\nretry: 2000\n\n',
    'id: p1\n\n', // a position alone
    'event: ready\ndata: {"a":1}\n\n',
    'data:first\ndata: second\r\nid: p2\r\n\r\n',
    'event: heartbeat\rdata\r\r',
    'id: bad\0id\ndata: kept\n\n',
    'id\ndata: none\n\n',
    'event: x\n\n', // no data: no event
    'data: 𝄞 ünï: code\n\n',
    'data: never finished\n',
  ].join('')
  const frames: Frame[] = [
    ['ready', '{"a":1}', 'p1'],
    ['message', 'first\nsecond', 'p2'],
    ['heartbeat', '', 'p2'],
    ['message', 'kept', 'p2'],
    ['message', 'none', ''],
    ['message', '𝄞 ünï: code', ''],
  ]

  it('reads what the specification says, however it is cut', () => {
    for (let cut = 0; cut <= text.length; cut++) {
      const got: Frame[] = []
      const parse = parser((...f) => got.push(f))
      parse(text.slice(0, cut))
      parse(text.slice(cut))
      expect(got).toEqual(frames)
    }
    const got: Frame[] = []
    const parse = parser((...f) => got.push(f))
    for (const c of text) parse(c)
    expect(got).toEqual(frames)
  })
})

/** A streaming answer that the test writes. */
function streaming() {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  const writer = writable.getWriter()
  return {
    answer: new Response(readable),
    write: (s: string | Uint8Array) => writer.write(typeof s === 'string' ? new TextEncoder().encode(s) : s),
    end: () => writer.close(),
    cut: () => writer.abort(new Error('cut')),
  }
}

describe('fetch', () => {
  const listen = (fetch: typeof globalThis.fetch, headers = async () => ({ Authorization: 'Bearer t' })) => {
    const frame = vi.fn()
    const end = vi.fn()
    return { frame, end, close: fetchSource(fetch, headers)('/api/events', { frame, end }) }
  }

  it('sends the token, no cookies, and tells the frames', async () => {
    const s = streaming()
    const fetch = vi.fn(async (_: unknown, __?: RequestInit) => s.answer)
    const { frame, end } = listen(fetch)
    const bytes = new TextEncoder().encode('id: p1\ndata: "é"\n\n')
    await s.write(bytes.slice(0, 14)) // in the middle of the é
    await s.write(bytes.slice(14))
    await vi.waitFor(() => expect(frame).toHaveBeenCalledWith('message', '"é"', 'p1'))
    expect(fetch.mock.calls[0]![1]).toMatchObject({
      headers: { Accept: 'text/event-stream', Authorization: 'Bearer t' },
      credentials: 'omit',
    })
    await s.end()
    await vi.waitFor(() => expect(end).toHaveBeenCalledExactlyOnceWith())
  })

  it.each([401, 406, 503])('tells the status %i', async (status) => {
    const { end } = listen(async () => refusal(status, 'x'))
    await vi.waitFor(() => expect(end).toHaveBeenCalledExactlyOnceWith(status))
  })

  it.each([
    ['the network fails', async () => Promise.reject(new TypeError('failed')), undefined],
    ['there is no token', async () => session(1), async () => Promise.reject(new Error('no token'))],
  ])('ends when %s', async (_, fetch, headers) => {
    const { end } = listen(fetch, headers)
    await vi.waitFor(() => expect(end).toHaveBeenCalledExactlyOnceWith())
  })

  it('ends when the connection is cut', async () => {
    const s = streaming()
    const { end } = listen(async () => s.answer)
    await s.write('data: 1\n\n')
    await s.cut()
    await vi.waitFor(() => expect(end).toHaveBeenCalledExactlyOnceWith())
  })

  it('says nothing any more when it was closed', async () => {
    const s = streaming()
    const { frame, end, close } = listen(async (_, init) => {
      init!.signal!.addEventListener('abort', () => s.cut())
      return s.answer
    })
    await s.write('data: 1\n\n')
    await vi.waitFor(() => expect(frame).toHaveBeenCalledOnce())
    close()
    await s.write('data: 2\n\n').catch(() => {})
    await new Promise((resolve) => setImmediate(resolve))
    expect(frame).toHaveBeenCalledOnce()
    expect(end).not.toHaveBeenCalled()
  })
})

describe('a client with a token', () => {
  let browser: Browser
  beforeEach(() => {
    browser = Browser.make()
  })

  it('streams by fetch; the token is asked for anew each time', async () => {
    const streams = [streaming(), streaming()]
    let opened = 0
    const asked: (string | undefined)[] = []
    const fetch = vi.fn(async (url: unknown, init?: RequestInit) => {
      asked.push(`${url} ${(init!.headers as Record<string, string>).Authorization}`)
      return streams[opened++]!.answer
    })
    let n = 0
    const tab = browser.tab({ share: false, fetch, token: async () => `t${++n}` }).connect()
    await streams[0]!.write('id: p1\nevent: ready\ndata: {"resumed":false}\n\n')
    await streams[0]!.write(`id: p2\ndata: ${JSON.stringify(message(1))}\n\n`)
    await vi.waitFor(() => expect(tab.seen).toEqual(['c:1-2/1/1']))
    await streams[0]!.end()
    await vi.waitFor(() => expect(tab.state.status).toBe('waiting'))
    await sleep(3000)
    expect(asked).toEqual(['/api/events Bearer t1', '/api/events?lastEventId=p2 Bearer t2'])
  })

  it('shares it, but each tab finds out by itself that its session is over', async () => {
    const good = streaming()
    const answers = [good.answer, refusal(401, 'session_ended'), refusal(401, 'session_ended')]
    const all = Array.from({ length: 2 }, (_, i) =>
      browser.tab({ fetch: async () => answers.shift()!, token: `t${i}` }).connect(),
    )
    await sleep(10)
    await good.write('event: ready\ndata: {"resumed":false}\n\n')
    await vi.waitFor(() => expect(all[0]!.state.status).toBe('open'))
    await sleep(100)
    expect(all[1]!.state.status).toBe('open')
    await good.write('event: revoked\ndata: {"reason":"logout"}\n\n')
    await vi.waitFor(() => expect(all[0]!.state).toMatchObject({ reason: 'revoked' }))
    await sleep(100)
    await vi.waitFor(() => expect(all[1]!.state).toMatchObject({ status: 'closed', reason: 'unauthorized' }))
  })
})
