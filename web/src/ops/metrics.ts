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

/** The value of a metric without labels; undefined if the instance has none. */
export const gauge = (all: readonly Metric[], name: string) => all.find((m) => m.name === name)?.value

/**
 * The value below which a share of a histogram's observations lies, between two buckets as if they were spread evenly:
 * what PromQL's histogram_quantile does. Undefined without observations.
 */
export function quantile(all: readonly Metric[], name: string, labels: Record<string, string>, share: number) {
  const buckets = all
    .filter((m) => m.name === `${name}_bucket` && Object.entries(labels).every(([k, v]) => m.labels[k] === v))
    .map((m) => ({ le: Number(m.labels.le?.replace('Inf', 'Infinity')), count: m.value }))
    .sort((a, b) => a.le - b.le)
  const total = buckets.at(-1)?.count
  if (!total) return undefined
  const rank = share * total
  let below = { le: 0, count: 0 }
  for (const b of buckets) {
    if (b.count >= rank) {
      if (!Number.isFinite(b.le)) return below.le
      return below.le + ((b.le - below.le) * (rank - below.count)) / (b.count - below.count)
    }
    below = b
  }
  return below.le
}
