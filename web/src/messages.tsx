import { useQuery } from '@tanstack/react-query'
import type { Message } from '@tidings/client'
import { ArrowDown, ArrowLeft, MessagesSquare, Settings2 } from 'lucide-react'
import { lazy, Suspense, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react'
import { Link } from 'wouter'
import { explain, queries } from './api'
import { useAttention } from './attention'
import { Composer } from './composer'
import { type Receipt, useReceipts } from './ephemeral'
import { history, loadOlder } from './history'
import { Line } from './line'
import { useLists, useMe } from './lists'
import { useNewLine } from './newline'
import { useOutgoing } from './outgoing'
import { markRead } from './reading'
import { type Row, toRows } from './rows'
import { useScroll } from './scroll'
import { type History, trimmed } from './state/history'
import { type Log, nameOf, other, type Place } from './state/place'
import { unreadOf } from './state/view'
import { PlaceAvatar } from './ui/avatar'

const Group = lazy(() => import('./group'))

/** A place: who is there, what was written, and where one writes. */
export function Messages({ log }: { log: Log }) {
  const place = useLists((s) => s.places.get(log))
  if (!place) {
    return (
      <div className="empty page">
        <MessagesSquare size={40} strokeWidth={1.5} />
        <h1>This chat isn’t here</h1>
        <p>It was deleted, or you are no longer a member.</p>
        <Link href="/" className="button">
          All chats
        </Link>
      </div>
    )
  }
  return (
    <>
      <Head place={place} />
      <Thread log={log} place={place} />
    </>
  )
}

function Head({ place }: { place: Place }) {
  const me = useMe()
  const [managing, setManaging] = useState(false)
  const name = nameOf(place, me)
  return (
    <header className="bar">
      <Link href="/" className="icon-button back" aria-label="All chats">
        <ArrowLeft size={22} />
      </Link>
      <PlaceAvatar place={place} me={me} />
      <div className="place-name">
        <h1 className="cut">
          <bdi>{name}</bdi>
        </h1>
        <p className="cut">
          {place.kind === 'g'
            ? `${place.memberCount} ${place.memberCount === 1 ? 'member' : 'members'}`
            : `@${other(place, me).username}`}
        </p>
      </div>
      {place.kind === 'g' && (
        <button type="button" className="icon-button" aria-label="Manage group" onClick={() => setManaging(true)}>
          <Settings2 size={20} />
        </button>
      )}
      {managing && place.kind === 'g' && (
        <Suspense fallback={null}>
          <Group group={place} onClose={() => setManaging(false)} />
        </Suspense>
      )}
    </header>
  )
}

function Thread({ log, place }: { log: Log; place: Place }) {
  const me = useMe()
  const { data, error, refetch } = useQuery(history(log))
  const outgoing = useOutgoing(log)
  const receipts = useReceipts(log)
  const messages = data?.messages ?? none
  const newest = messages.at(-1)
  const line = useNewLine(place, messages, data?.more === true)
  const rows = useMemo(
    () => toRows(log, me.id, messages, outgoing, line.from),
    [log, me.id, messages, outgoing, line.from],
  )
  const read = useMemo(() => newestRead(messages, receipts, me.id), [messages, receipts, me.id])
  const scroll = useScroll(rows)
  const attentive = useAttention()

  // Who opens a place with more unread messages than the window holds begins with the first of them. It must be said
  // before the effects below take all for seen.
  const begun = useRef(false)
  useLayoutEffect(() => {
    const el = scroll.ref.current
    if (begun.current || !el || !newest) return
    begun.current = true
    const mark = el.querySelector('.new-line')
    if (mark && mark.getBoundingClientRect().top < el.getBoundingClientRect().top) mark.scrollIntoView()
    scroll.onScroll()
  }, [newest, scroll.ref, scroll.onScroll])

  const seen = attentive && scroll.atEnd
  useReadMark(log, place, newest, seen, scroll.isAtEnd)
  useEffect(() => line.look(messages, seen && scroll.isAtEnd()), [messages, seen, scroll.isAtEnd, line.look])

  // What comes while one reads further up.
  const [left, setLeft] = useState<number>()
  useEffect(() => setLeft(scroll.atEnd ? undefined : (old) => old ?? newest?.seq), [scroll.atEnd, newest])
  const below = left === undefined ? 0 : messages.filter((m) => m.seq > left && m.sender.id !== me.id).length

  // Whoever is back at the end has no use for a thousand messages above it.
  useEffect(() => {
    if (scroll.atEnd && scroll.isAtEnd() && data) queries.setQueryData<History>(history(log).queryKey, trimmed(data))
  }, [scroll.atEnd, scroll.isAtEnd, data, log])

  return (
    <>
      <div className="history">
        <section
          className="scroller"
          ref={scroll.ref}
          onScroll={scroll.onScroll}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
          tabIndex={0}
          aria-label="Messages"
        >
          <div className="thread">
            {error && !data ? (
              <Failure error={error} onRetry={() => void refetch()} />
            ) : (
              data && (
                <>
                  {data.more ? <Older log={log} root={scroll.ref} /> : <Beginning place={place} />}
                  <ol>
                    {rows.map((row) => (
                      <Line
                        key={row.key}
                        row={row}
                        me={me.id}
                        log={log}
                        inGroup={place.kind === 'g'}
                        seen={row.kind === 'message' && row.message && row.message === read?.message ? read.readers : 0}
                        newest={row === rows.at(-1)}
                        arriving={isLater(row, line.openedAt)}
                      />
                    ))}
                  </ol>
                </>
              )
            )}
          </div>
        </section>
        {!scroll.atEnd && (
          <button type="button" className="jump" onClick={() => scroll.toEnd(true)}>
            <ArrowDown size={17} />
            {below > 0 ? `${below} new` : 'Latest'}
          </button>
        )}
      </div>
      <Announcer messages={messages} me={me.id} />
      <Composer
        log={log}
        onSent={() => {
          line.clear()
          scroll.toEnd()
        }}
      />
    </>
  )
}

const none: readonly Message[] = []

/** Tells the service what was seen. */
function useReadMark(log: Log, place: Place, newest: Message | undefined, seen: boolean, isAtEnd: () => boolean) {
  const unread = useLists((s) => unreadOf(s, place))
  useEffect(() => {
    // The place may not know of the newest message yet; then its update is a moment away.
    if (seen && isAtEnd() && unread > 0 && newest && place.seq >= newest.seq) {
      markRead(log, newest.seq, place.messageCount)
    }
  }, [log, place, newest, seen, isAtEnd, unread])
}

/** The newest message of one's own that others have read, and how many have; it says so alone. */
function newestRead(messages: readonly Message[], receipts: readonly Receipt[], me: number) {
  const others = receipts.filter((r) => r.userId !== me)
  const furthest = Math.max(0, ...others.map((r) => r.seq))
  const message = messages.findLast((m) => m.sender.id === me && m.seq <= furthest)
  return message && { message, readers: others.filter((r) => r.seq >= message.seq).length }
}

/** Whether a row came while the place was open. */
function isLater(row: Row, openedAt: number | undefined): boolean {
  if (row.kind !== 'message') return false
  return !row.message || (openedAt !== undefined && row.message.seq > openedAt)
}

/** Fetches older messages when it comes near. */
function Older({ log, root }: { log: Log; root: React.RefObject<HTMLElement | null> }) {
  const ref = useRef<HTMLDivElement>(null)
  const [error, setError] = useState<unknown>()
  const load = useMemo(() => {
    let busy = false
    return async () => {
      if (busy) return
      busy = true
      setError(undefined)
      await loadOlder(log).catch(setError)
      busy = false
    }
  }, [log])
  const first = useQuery({ ...history(log), select: (h) => h.messages[0]?.id }).data
  // biome-ignore lint/correctness/useExhaustiveDependencies: after each page it may still be in view
  useEffect(() => {
    if (!ref.current || error) return
    const observer = new IntersectionObserver((seen) => seen.some((s) => s.isIntersecting) && void load(), {
      root: root.current,
      rootMargin: '600px 0px 0px 0px',
    })
    observer.observe(ref.current)
    return () => observer.disconnect()
  }, [load, root, error, first])
  return (
    <div ref={ref} className="older">
      {error ? (
        <button type="button" className="button small" onClick={() => void load()}>
          Older messages couldn’t be loaded. Try again
        </button>
      ) : (
        <span className="muted">Loading…</span>
      )}
    </div>
  )
}

function Beginning({ place }: { place: Place }) {
  const me = useMe()
  const name = nameOf(place, me)
  return (
    <p className="beginning" dir="auto">
      {place.kind === 'g' ? `The beginning of ${name}` : `The beginning of your chat with ${name}`}
    </p>
  )
}

function Failure({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  return (
    <div className="empty" role="alert">
      <p>{explain(error)}</p>
      <button type="button" className="button" onClick={onRetry}>
        Try again
      </button>
    </div>
  )
}

/** Says to a screen reader what others write while the page is open. */
function Announcer({ messages, me }: { messages: readonly Message[]; me: number }) {
  const newest = messages.at(-1)
  const [from] = useState(() => ({ seq: undefined as number | undefined }))
  if (from.seq === undefined && newest) from.seq = newest.seq
  const text =
    newest && newest.seq > (from.seq ?? 0) && newest.sender.id !== me
      ? `${newest.sender.displayName}: ${newest.content}`
      : ''
  return (
    <div className="visually-hidden" aria-live="polite">
      {text}
    </div>
  )
}
