import { useId } from 'react'

export interface Line {
  label: string
  /** One value a step, the newest last; undefined where there was nothing. */
  values: readonly (number | undefined)[]
  /** The class that gives its colour and dash. */
  className: string
}

interface Props {
  title: string
  lines: readonly Line[]
  /** The value as people read it. */
  format: (value: number) => string
  /** What the x axis begins and ends with. */
  from: string
  to: string
  /** Says the essence in words, for who can't see it. */
  summary: string
}

const width = 600
const height = 160

/** Lines over time. */
export function Chart({ title, lines, format, from, to, summary }: Props) {
  const id = useId()
  const max = niceMax(Math.max(0, ...lines.flatMap((l) => l.values.map((v) => v ?? 0))))
  return (
    <figure className="chart">
      <figcaption>
        <h2 id={id}>{title}</h2>
        {lines.length > 1 && (
          <ul className="legend">
            {lines.map((l) => (
              <li key={l.label} className={l.className}>
                <svg width="18" height="8" aria-hidden="true">
                  <path d="M1 4h16" className="stroke" />
                </svg>
                {l.label}
              </li>
            ))}
          </ul>
        )}
      </figcaption>
      <div className="plot">
        <span className="axis numbers">{format(max)}</span>
        <svg
          viewBox={`0 0 ${width} ${height}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={`${title}. ${summary}`}
        >
          {[0, 0.5, 1].map((y) => (
            <path key={y} className="grid" d={`M0 ${y * height}H${width}`} />
          ))}
          {lines.map((l) => (
            <g key={l.label} className={l.className}>
              <path className="stroke" d={path(l.values, max)} />
            </g>
          ))}
        </svg>
      </div>
      <div className="axis-x muted">
        <span>{from}</span>
        <span>{to}</span>
      </div>
    </figure>
  )
}

/** A path through the values; it has a hole where there is none. */
export function path(values: readonly (number | undefined)[], max: number): string {
  const step = width / Math.max(1, values.length - 1)
  let pen = 'M'
  let out = ''
  for (const [i, v] of values.entries()) {
    if (v === undefined) {
      pen = 'M'
      continue
    }
    out += `${pen}${round(i * step)} ${round(height - (Math.min(v, max) / max) * height)}`
    if (pen === 'M' && values[i + 1] === undefined) out += 'h0' // a point on its own is a dot
    pen = 'L'
  }
  return out
}

const round = (n: number) => Math.round(n * 10) / 10

/** The next of 1, 2, 5, 10, 20, 50 …, so that the axis doesn't tremble. */
export function niceMax(max: number): number {
  if (max <= 1) return 1
  const power = 10 ** Math.floor(Math.log10(max))
  return [1, 2, 5, 10].map((n) => n * power).find((n) => n >= max) ?? max
}
