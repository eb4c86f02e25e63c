import '../styles/ops.css'
import { useQuery } from '@tanstack/react-query'
import { useStreamState } from '@tidings/client/react'
import { RefreshCw } from 'lucide-react'
import { useEffect, useState } from 'react'
import { percentile, perSecond, recent, type Sample, span, totals } from '../figures'
import { formatClock } from '../time'
import { Chart } from './chart'
import { integer, ms } from './format'
import { type Metric, parseMetrics, quantile, total } from './metrics'
import { Service } from './service'

/** What the stream of this browser does, live, and what the streamers say of themselves when they are asked. */
export default function Ops() {
  return (
    <>
      <header className="bar">
        <h1>Operations</h1>
      </header>
      <div className="page">
        <div className="page-inner ops">
          <Stream />
          <Instance />
          <Service />
        </div>
      </div>
    </>
  )
}

const seconds = span / 1000
const bucket = 5 // seconds a point of the latency chart stands for

function Stream() {
  const now = useEachSecond()
  const samples = recent(now)
  const { readies, resets } = totals()
  const rate = perSecond(samples, now, seconds)
  const all = latencies(samples)
  const [p50, p95, p99] = [percentile(all, 0.5), percentile(all, 0.95), percentile(all, 0.99)]
  const points = latencyPoints(samples, now)
  const perPoint = (share: number) => points.map((p) => percentile(p, share))
  return (
    <section aria-label="This browser’s stream" className="stack">
      <ul className="figures">
        <State />
        <Figure label="Events, last 2 min" value={integer.format(samples.length)} />
        <Figure label="Latency p50" value={ms(p50)} />
        <Figure label="Latency p99" value={ms(p99)} />
        <Figure label="Reconnects" value={integer.format(Math.max(0, readies - 1))} />
        <Figure label="Resets" value={integer.format(resets)} />
      </ul>
      <Chart
        title="Events a second"
        lines={[{ label: 'Events', values: rate, className: 'line-1' }]}
        format={(v) => integer.format(v)}
        from="2 min ago"
        to="now"
        summary={`${samples.length} events in two minutes, ${Math.max(...rate)} at most in one second.`}
      />
      <Chart
        title="From commit to this page"
        lines={[
          { label: 'p50', values: perPoint(0.5), className: 'line-1' },
          { label: 'p95', values: perPoint(0.95), className: 'line-2' },
          { label: 'p99', values: perPoint(0.99), className: 'line-3' },
        ]}
        format={(v) => ms(v)}
        from="2 min ago"
        to="now"
        summary={`Half of the events took less than ${ms(p50)}, 95 % less than ${ms(p95)}, 99 % less than ${ms(p99)}.`}
      />
      {samples.length === 0 && (
        <p className="muted">
          Nothing has arrived in the last two minutes. Write a message, here or in another window.
        </p>
      )}
    </section>
  )
}

/** Renders each second, as long as somebody looks. It asks nobody anything. */
function useEachSecond(): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === 'visible' && setNow(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [])
  return now
}

function latencies(samples: readonly Sample[]): number[] {
  return samples.flatMap((s) => s.latency ?? []).sort((a, b) => a - b)
}

/** The sorted latencies of each of the last intervals, the oldest first. */
function latencyPoints(samples: readonly Sample[], now: number): number[][] {
  const n = seconds / bucket
  const points = Array.from({ length: n }, (): number[] => [])
  for (const s of samples) {
    const i = n - 1 - Math.floor((now - s.at) / 1000 / bucket)
    if (s.latency !== undefined && i >= 0 && i < n) points[i]?.push(s.latency)
  }
  return points.map((p) => p.sort((a, b) => a - b))
}

function State() {
  const state = useStreamState()
  const words = { open: 'Live', connecting: 'Connecting', waiting: 'Waiting', closed: 'Closed' }
  return <Figure label="Stream" value={words[state.status]} />
}

function Figure({ label, value }: { label: string; value: string }) {
  return (
    <li className="figure">
      <span className="figure-label">{label}</span>
      <span className="figure-value numbers">{value}</span>
    </li>
  )
}

/** The streamers' own numbers, fetched when the page is opened or somebody asks. */
function Instance() {
  const { data, error, isFetching, dataUpdatedAt, refetch } = useQuery({
    queryKey: ['metrics'],
    queryFn: async () => {
      const answer = await fetch('/metrics')
      if (!answer.ok) throw new Error(`HTTP ${answer.status}`)
      return parseMetrics(await answer.text())
    },
    gcTime: 0,
  })
  return (
    <section aria-labelledby="streamers" className="stack">
      <div className="dialog-head">
        <div>
          <h2 id="streamers">The streamers</h2>
          <p className="hint">
            {data
              ? `As of ${formatClock(new Date(dataUpdatedAt).toISOString())}; it is not asked again by itself.`
              : '\u00a0'}
          </p>
        </div>
        <button type="button" className="button small" disabled={isFetching} onClick={() => void refetch()}>
          <RefreshCw size={15} />
          Refresh
        </button>
      </div>
      {error && !data && (
        <p className="notice" role="alert">
          The streamers’ metrics can’t be read from here. In the cloud they are for operators only.
        </p>
      )}
      <ul className="figures">
        {figures(data ?? []).map(([label, value]) => (
          <Figure key={label} label={label} value={value} />
        ))}
      </ul>
    </section>
  )
}

const prefix = 'tidings_streamer_'

function figures(all: readonly Metric[]): [string, string][] {
  const count = (name: string) => {
    const v = total(all, prefix + name)
    return v === undefined ? '–' : integer.format(v)
  }
  const lag = (share: number) => {
    const s = quantile(all, `${prefix}hop_seconds`, { hop: 'commit_to_write' }, share)
    return ms(s === undefined ? undefined : s * 1000)
  }
  return [
    ['Connections', count('connections')],
    ['Logs followed', count('logs')],
    ['Entries received', count('entries_received_total')],
    ['Deliveries', count('deliveries_total')],
    ['Duplicates dropped', count('duplicates_total')],
    ['Gaps filled', count('gap_entries_total')],
    ['Commit to socket p50', lag(0.5)],
    ['Commit to socket p99', lag(0.99)],
  ]
}
