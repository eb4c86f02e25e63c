import { Source } from './browser.js'

/** A message to user 1, the n-th of its conversation. */
export const message = (n: number, userId = 1) => ({
  userId,
  type: 'message',
  data: { conversationId: '1-2', message: { id: `${n}`, seq: n, content: `message ${n}` } },
  eventId: `c:1-2/${n}/1`,
})

export const json = (body: unknown, status = 200, headers: Record<string, string> = {}) =>
  new Response(status === 204 ? null : JSON.stringify(body), { status, headers })

export const session = (id: number) => json({ user: { id, username: 'u', displayName: 'U' }, expires: '' })
export const refusal = (status: number, code: string, headers = {}) =>
  json({ type: `/problems/${code}`, title: code, status, code }, status, headers)

/** A service that keeps its promises: each stream gets what comes after its position, once and in order. */
export class Service {
  readonly log: ReturnType<typeof message>[] = []
  readonly #sent = new Map<Source, number>()
  #connections = 0
  down = false

  constructor() {
    Source.all = []
    Source.onopen = (s) => {
      setTimeout(() => {
        if (this.down) return s.fail()
        const from = s.position ? Number(s.position.split('.')[1]) : this.log.length
        const id = ++this.#connections
        this.#sent.set(s, from)
        // Positions differ between connections.
        Object.assign(s, { cursor: (n: number) => `${id}.${n}` })
        s.ready(s.position !== '', `${id}.${from}`)
        this.#push(s)
      }, 5)
    }
  }

  #push(s: Source) {
    let n = this.#sent.get(s)!
    while (n < this.log.length) {
      const event = this.log[n++]
      s.frame('message', event, (s as unknown as { cursor(n: number): string }).cursor(n))
    }
    this.#sent.set(s, n)
  }

  publish(count = 1) {
    for (let i = 0; i < count; i++) {
      this.log.push(message(this.log.length + 1))
      for (const s of Source.open) if (this.#sent.has(s)) this.#push(s)
    }
  }

  heartbeat() {
    for (const s of Source.open) if (this.#sent.has(s)) s.frame('heartbeat', { ts: Date.now() })
  }

  ids(from = 0, to = this.log.length) {
    return this.log.slice(from, to).map((e) => e.eventId)
  }
}
