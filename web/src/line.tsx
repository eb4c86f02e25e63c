import { Check, CheckCheck, Clock, TriangleAlert } from 'lucide-react'
import { memo } from 'react'
import { explain } from './api'
import { discard, sendAgain } from './outgoing'
import type { Row } from './rows'
import type { Log } from './state/place'
import { isEmoji, Text } from './text'
import { formatClock, formatDay, formatExact, useToday } from './time'
import { Avatar } from './ui/avatar'

interface LineProps {
  row: Row
  me: number
  log: Log
  inGroup: boolean
  seen: number
  /** The last line says in words what has become of it, the others by a sign. */
  newest: boolean
  /** Whether it came while the place was open; it comes gently. */
  arriving: boolean
}

/** A line of a place: a message, a day, or where the new ones begin. */
export const Line = memo(
  function Line({ row, me, log, inGroup, seen, newest, arriving }: LineProps) {
    const today = useToday()
    if (row.kind === 'day') {
      return (
        <li className="day">
          <time dateTime={row.at.slice(0, 10)}>{formatDay(row.at, today)}</time>
        </li>
      )
    }
    if (row.kind === 'new') return <li className="new-line">New</li>
    const mine = row.author === me
    const { message, outgoing } = row
    const refused = outgoing?.refused
    const name = message?.sender.displayName ?? ''
    const classes = ['message', mine ? 'mine' : 'theirs']
    if (inGroup) classes.push('in-group')
    if (row.first) classes.push('first')
    if (row.last) classes.push('last')
    if (outgoing) classes.push(refused ? 'failed' : 'unsent')
    if (arriving) classes.push('arriving')
    return (
      <li className={classes.join(' ')}>
        {!mine && inGroup && row.first && (
          <>
            <span className="author cut">
              <bdi>{name}</bdi>
            </span>
            <Avatar name={name} id={row.author} size="small" />
          </>
        )}
        {!row.first || mine || !inGroup ? <span className="visually-hidden">{mine ? 'You' : name}: </span> : null}
        <div className={`bubble ${isEmoji(row.content) ? 'emoji' : ''}`} dir="auto" title={formatExact(row.createdAt)}>
          <Text text={row.content} />
        </div>
        {refused ? (
          <div className="meta bad" role="alert">
            <TriangleAlert size={14} />
            Not sent. {explain(refused.error)}
            <button type="button" onClick={() => sendAgain(log, refused)}>
              Try again
            </button>
            <button type="button" onClick={() => discard(log, refused)}>
              Discard
            </button>
          </div>
        ) : (
          (row.last || seen > 0) && (
            <div className="meta">
              <time dateTime={row.createdAt}>{formatClock(row.createdAt)}</time>
              {mine && <Delivery sent={!outgoing} seen={seen} inGroup={inGroup} inWords={newest || seen > 0} />}
            </div>
          )
        )}
      </li>
    )
  },
  (a, b) =>
    a.seen === b.seen &&
    a.newest === b.newest &&
    a.inGroup === b.inGroup &&
    a.me === b.me &&
    a.log === b.log &&
    sameRow(a.row, b.row),
)

/** Rows are made anew with each change of the list; most of them say the same. */
function sameRow(a: Row, b: Row): boolean {
  if (a.kind !== 'message' || b.kind !== 'message') return a.kind === b.kind && a.key === b.key
  return a.message === b.message && a.outgoing === b.outgoing && a.first === b.first && a.last === b.last
}

interface DeliveryProps {
  sent: boolean
  seen: number
  inGroup: boolean
  inWords: boolean
}

function Delivery({ sent, seen, inGroup, inWords }: DeliveryProps) {
  const Sign = sent ? (seen ? CheckCheck : Check) : Clock
  const words = sent ? (seen ? (inGroup ? `Read by ${seen}` : 'Read') : 'Sent') : 'Sending…'
  return (
    <>
      <Sign size={14} aria-hidden="true" />
      <span className={inWords || !sent ? '' : 'visually-hidden'}>{words}</span>
    </>
  )
}
