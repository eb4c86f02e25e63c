import type { Tidings, TidingsOptions } from './client.js'
import type { ControlMap, Routes } from './schema.gen.js'

export interface ReceiptsOptions extends Pick<TidingsOptions, 'url' | 'fetch' | 'token'> {
  /** The share of pages that report, 0 to 1. Each draws for itself, once. */
  sample: number
}

const EVERY = 30_000 // a heartbeat comes in that time, which tells the clocks apart
const MOST = 100 // what the service takes at once; what comes beyond in the same time is not reported
const LONGEST = 60_000 // what took longer was caught up on, and not delivered late

const own: string[] = ['ready', 'heartbeat', 'reset', 'reconnect', 'revoked'] satisfies (keyof ControlMap)[]

type Receipt = Routes['POST /api/events/receipts']['body']['receipts'][number]

interface Dated {
  createdAt?: string
  message?: Dated
  conversation?: { updatedAt: string }
  groupChat?: { updatedAt: string }
}

/** When the entry was made that an event tells of; undefined where its data doesn't say. */
function madeAt(data: unknown): string | undefined {
  const { createdAt, message, conversation, groupChat } = (data ?? {}) as Dated
  return message?.createdAt ?? createdAt ?? (conversation ?? groupChat)?.updatedAt
}

/**
 * Reports what arrives, and how long it took, to the service's operators: at most one request in 30 s.
 * `url`, `fetch` and `token` are as for `createTidings`. What it returns ends it.
 *
 * The server's clock is known from heartbeats. The quickest of them counts as if it had taken no time,
 * so a latency lacks what the quickest way takes.
 */
export function reportReceipts({ events }: Pick<Tidings, 'events'>, options: ReceiptsOptions): () => void {
  if (!(Math.random() < options.sample)) return () => {}
  const { url = '', token } = options
  const send = options.fetch ?? ((...args) => fetch(...args))
  let skew: number | undefined
  let batch: { type: string; took: number | undefined }[] = []

  async function flush() {
    const receipts = batch.map(({ type, took }): Receipt => {
      const ms = took === undefined || skew === undefined ? Number.NaN : Math.max(0, Math.round(took - skew))
      return ms <= LONGEST ? { type, latencyMs: ms } : { type }
    })
    batch = []
    if (!receipts.length) return
    const bearer = typeof token === 'function' ? await token() : token
    await send(`${url}/api/events/receipts`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...(bearer && { Authorization: `Bearer ${bearer}` }) },
      body: JSON.stringify({ receipts }),
      credentials: bearer ? 'omit' : 'include',
      keepalive: true, // beyond the page's end
    })
  }
  const tell = () => void flush().catch(() => {}) // a lost report is lost

  const off = events.on('*', (e) => {
    const now = Date.now()
    if (e.type === 'heartbeat') skew = Math.min(skew ?? Number.POSITIVE_INFINITY, now - e.data.ts)
    if (own.includes(e.type) || batch.length === MOST) return
    const made = Date.parse(madeAt(e.data) ?? '')
    batch.push({ type: e.type, took: Number.isNaN(made) ? undefined : now - made })
  })
  const timer = setInterval(tell, EVERY)
  globalThis.addEventListener?.('pagehide', tell)
  return () => {
    off()
    clearInterval(timer)
    globalThis.removeEventListener?.('pagehide', tell)
    tell()
  }
}
