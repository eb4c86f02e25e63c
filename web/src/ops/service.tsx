import { useQuery } from '@tanstack/react-query'
import { type Routes, TidingsError } from '@tidings/client'
import { RefreshCw } from 'lucide-react'
import { type FormEvent, type ReactNode, useId, useState } from 'react'
import { explain, tidings } from '../api'
import { formatClock } from '../time'
import { integer, ms } from './format'

type Connections = Routes['GET /api/ops/connections']['answer']
type Receipts = Routes['GET /api/ops/receipts']['answer']

/** What all streamers together hold and deliver, for those who run the service. */
export function Service() {
  const { data, error, isFetching, refetch } = useQuery({
    queryKey: ['ops'],
    queryFn: async () => {
      const [connections, receipts] = await Promise.all([
        tidings.follow<Connections>('/api/ops/connections'),
        tidings.follow<Receipts>('/api/ops/receipts'),
      ])
      return { connections, receipts }
    },
    gcTime: 0,
  })
  if (error instanceof TidingsError && error.code === 'not_admin') return null
  return (
    <section aria-labelledby="service" className="stack">
      <div className="dialog-head">
        <div>
          <h2 id="service">The service</h2>
          <p className="hint">Only those who run it see this.</p>
        </div>
        <button type="button" className="button small" disabled={isFetching} onClick={() => void refetch()}>
          <RefreshCw size={15} />
          Refresh all
        </button>
      </div>
      {error && (
        <p className="notice" role="alert">
          {explain(error)}
        </p>
      )}
      {data && <Instances data={data.connections} />}
      {data && <Deliveries data={data.receipts} />}
      <Lookup />
    </section>
  )
}

function Instances({ data }: { data: Connections }) {
  return (
    <Table
      caption={`Streams: ${integer.format(data.connections)} in all`}
      columns={['Streamer', 'Cell', 'Streams', 'State', 'Since', 'Version']}
      rows={data.instances.map((i) => [
        i.name,
        i.cell,
        integer.format(i.connections),
        i.ready ? 'Ready' : 'Not ready',
        formatClock(i.started),
        i.version.slice(0, 12),
      ])}
    />
  )
}

function Deliveries({ data }: { data: Receipts }) {
  if (data.types.length === 0) return <p className="muted">No page has reported what it got in the last hour.</p>
  return (
    <Table
      caption="What pages report of the last hour"
      columns={['Type', 'Delivered', 'p50', 'p95', 'p99']}
      rows={data.types.map((t) => [
        t.type,
        integer.format(t.delivered),
        ms(t.p50 ?? undefined),
        ms(t.p95 ?? undefined),
        ms(t.p99 ?? undefined),
      ])}
    />
  )
}

/** How many streams somebody has, and where. */
function Lookup() {
  const id = useId()
  const [asked, setAsked] = useState('')
  const { data, error, isFetching, refetch } = useQuery({
    queryKey: ['ops', 'listeners', asked],
    enabled: asked !== '',
    queryFn: async () => {
      const user = await idOf(asked)
      return (await tidings.follow<Connections>(`/api/ops/connections?userId=${user}`)).listeners!
    },
    gcTime: 0,
  })
  const submit = (e: FormEvent<HTMLFormElement>) => {
    e.preventDefault()
    const text = String(new FormData(e.currentTarget).get('user')).trim()
    if (text === asked) void refetch()
    else setAsked(text)
  }
  return (
    <form className="field" onSubmit={submit}>
      <label htmlFor={id}>The streams of somebody</label>
      <div className="lookup">
        <input
          id={id}
          name="user"
          className="input"
          placeholder="Username or id"
          required
          autoCapitalize="none"
          spellCheck={false}
          dir="auto"
        />
        <button type="submit" className="button" disabled={isFetching}>
          Look up
        </button>
      </div>
      <p role="status" className={error ? 'mistake' : 'hint'}>
        {error ? explain(error) : data ? found(asked, data) : '\u00a0'}
      </p>
    </form>
  )
}

async function idOf(text: string): Promise<number> {
  if (/^\d+$/.test(text)) return Number(text)
  const folded = text.toLowerCase()
  const user = (await tidings.users.find(text)).find((u) => u.username.toLowerCase() === folded)
  if (!user) throw new TidingsError('user_not_found', 'There is no such user.', 404)
  return user.id
}

function found(who: string, l: NonNullable<Connections['listeners']>): string {
  const streams = (n: number) => (n === 1 ? '1 stream' : `${integer.format(n)} streams`)
  const where = l.instances.map((i) => `${streams(i.connections)} at ${i.name}`).join(', ')
  const silent = l.unanswered.length ? ` Not answered: ${l.unanswered.join(', ')}.` : ''
  return `${who} has ${l.connections ? where : 'no stream'}.${silent}`
}

interface TableProps {
  caption: string
  columns: string[]
  rows: ReactNode[][]
}

function Table({ caption, columns, rows }: TableProps) {
  return (
    // Narrow windows scroll it sideways, by keyboard too.
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached
    <section className="table" aria-label={caption} tabIndex={0}>
      <table>
        <caption>{caption}</caption>
        <thead>
          <tr>
            {columns.map((c) => (
              <th key={c} scope="col">
                {c}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(([first, ...rest]) => (
            <tr key={String(first)}>
              <th scope="row">{first}</th>
              {rest.map((cell, i) => (
                <td key={columns[i + 1]} className="numbers">
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
