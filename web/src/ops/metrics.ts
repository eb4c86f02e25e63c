/** One line of the Prometheus text format. */
export interface Metric {
  name: string
  labels: Readonly<Record<string, string>>
  value: number
}

const line = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/
const label = /(\w+)="((?:[^"\\]|\\.)*)"/g

/** Reads the Prometheus text format (0.0.4), as far as it has samples. */
export function parseMetrics(text: string): Metric[] {
  const out: Metric[] = []
  for (const l of text.split('\n')) {
    const found = l.startsWith('#') ? null : line.exec(l)
    if (!found) continue
    const [, name = '', inside = '', value = ''] = found
    const labels = Object.fromEntries([...inside.matchAll(label)].map((m) => [m[1], m[2]]))
    out.push({ name, labels, value: Number(value.replace('Inf', 'Infinity')) })
  }
  return out
}

/** A metric of all instances together; undefined if none has it. */
export function total(all: readonly Metric[], name: string): number | undefined {
  const values = all.filter((m) => m.name === name).map((m) => m.value)
  return values.length === 0 ? undefined : values.reduce((a, b) => a + b)
}

/**
 * The value below which a share of the observations of all instances lies, between two buckets as if they were spread
 * evenly: what PromQL's histogram_quantile does. Undefined without observations.
 */
export function quantile(all: readonly Metric[], name: string, labels: Record<string, string>, share: number) {
  const counts = new Map<number, number>()
  for (const m of all) {
    if (m.name !== `${name}_bucket` || !Object.entries(labels).every(([k, v]) => m.labels[k] === v)) continue
    const le = Number(m.labels.le?.replace('Inf', 'Infinity'))
    counts.set(le, (counts.get(le) ?? 0) + m.value)
  }
  const buckets = [...counts].map(([le, count]) => ({ le, count })).sort((a, b) => a.le - b.le)
  const rank = share * (buckets.at(-1)?.count ?? 0)
  if (rank === 0) return undefined
  let below = { le: 0, count: 0 }
  for (const b of buckets) {
    if (b.count >= rank) {
      if (!Number.isFinite(b.le)) break
      return below.le + ((b.le - below.le) * (rank - below.count)) / (b.count - below.count)
    }
    below = b
  }
  return below.le // beyond the last bucket nobody knows
}
