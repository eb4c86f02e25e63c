// What the operations page shows of this browser's stream. It is taken down always, so that the page has the last
// minutes at once, and it costs a few numbers an event.

/** An event as it arrived. */
export interface Sample {
  /** Unix ms, this browser's clock. */
  at: number
  type: string
  /** From its making (createdAt) to here, in ms; undefined for events that don't say. */
  latency: number | undefined
}

/** How long samples are kept, ms. */
export const span = 120_000
const most = 20_000

let samples: Sample[] = []
let skew = Number.POSITIVE_INFINITY
const counts = { events: 0, resets: 0, heartbeats: 0, readies: 0 }

/** An event as handlers get it. */
interface Told {
  type: string
  data: unknown
}

export function record(e: Told) {
  const now = Date.now()
  if (e.type === 'heartbeat') {
    counts.heartbeats++
    // The quickest heartbeat came with the least delay on the way: the rest of the difference is between the clocks.
    skew = Math.min(skew, now - (e.data as { ts: number }).ts)
    return
  }
  if (e.type === 'ready') counts.readies++
  if (e.type === 'reset') counts.resets++
  if (e.type === 'ready' || e.type === 'reset' || e.type === 'reconnect' || e.type === 'revoked') return
  counts.events++
  samples.push({ at: now, type: e.type, latency: latency(e, now) })
  if (samples.length > most || samples[0]!.at < now - 2 * span) prune(now)
}

/** A clock that is behind would make latencies negative; one that is ahead, too long. */
function latency(e: Told, now: number): number | undefined {
  const d = e.data as { message?: { createdAt: string }; createdAt?: string }
  const made = d.message?.createdAt ?? d.createdAt
  if (made === undefined) return undefined
  const raw = now - Date.parse(made)
  return Math.max(0, Math.abs(skew) < 100 || !Number.isFinite(skew) ? raw : raw - skew)
}

function prune(now: number) {
  samples = samples.filter((s) => s.at >= now - span).slice(-most)
}

/** The samples of the last two minutes, the oldest first. */
export function recent(now: number): readonly Sample[] {
  prune(now)
  return samples
}

export const totals = (): Readonly<typeof counts> => counts

/** The value below which a share of the sorted values lies; undefined if there are none. */
export function percentile(sorted: readonly number[], share: number): number | undefined {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]
}

/** How many samples there were in each of the last n seconds, the oldest first. */
export function perSecond(all: readonly Sample[], now: number, n: number): number[] {
  const out = new Array<number>(n).fill(0)
  for (const s of all) {
    const i = n - 1 - Math.floor((now - s.at) / 1000)
    if (i >= 0 && i < n) out[i]!++
  }
  return out
}
