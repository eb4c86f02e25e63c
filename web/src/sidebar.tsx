import type { UserRef } from '@tidings/client'
import { useStreamState } from '@tidings/client/react'
import { Inbox, Search } from 'lucide-react'
import { memo, useEffect, useMemo, useRef, useState } from 'react'
import { Link, useRoute } from 'wouter'
import { tidings } from './api'
import { short } from './count'
import { useWriting } from './ephemeral'
import { useGrowing } from './growing'
import { useLists } from './lists'
import { useNarrow } from './narrow'
import { useNewChat } from './newchat-button'
import { hrefOf, type Log, lastOf, logOfPlace, nameOf, type Place } from './state/place'
import { listedPlaces, type PlaceFilter, unreadOf } from './state/view'
import { formatExact, formatShort, useToday } from './time'
import { PlaceAvatar } from './ui/avatar'

const filters: [PlaceFilter, string][] = [
  ['all', 'All'],
  ['people', 'People'],
  ['groups', 'Groups'],
]

/** All conversations and group chats, what is newest first. */
export function Sidebar({ current }: { current: Log | undefined }) {
  const state = useLists((s) => s)
  const [atList] = useRoute('/')
  const alone = useNarrow() && atList
  const [filter, setFilter] = useState<PlaceFilter>('all')
  const [search, setSearch] = useState('')
  const newChat = useNewChat()
  const input = useRef<HTMLInputElement>(null)
  const places = useMemo(() => listedPlaces(state, filter, search), [state, filter, search])
  const { some, more } = useGrowing(places)

  useEffect(() => {
    const key = (e: KeyboardEvent) => {
      if (e.key !== 'k' || !(e.metaKey || e.ctrlKey)) return
      e.preventDefault()
      input.current?.focus()
    }
    document.addEventListener('keydown', key)
    return () => document.removeEventListener('keydown', key)
  }, [])

  return (
    <section className="list" aria-label="Chats" role={alone ? 'main' : undefined}>
      <div className="bar">
        <h1>Chats</h1>
        <Light />
        {newChat.button()}
        {newChat.dialog}
      </div>
      <div className="list-tools">
        <label className="search">
          <span className="visually-hidden">Search chats</span>
          <Search size={17} />
          <input
            ref={input}
            type="search"
            className="input"
            placeholder="Search"
            value={search}
            onChange={(e) => setSearch(e.target.value)}
            onKeyDown={(e) => e.key === 'Escape' && setSearch('')}
          />
        </label>
        <fieldset className="chips">
          <legend className="visually-hidden">Show</legend>
          {filters.map(([value, label]) => (
            <button
              key={value}
              type="button"
              className="chip"
              aria-pressed={filter === value}
              onClick={() => setFilter(value)}
            >
              {label}
            </button>
          ))}
        </fieldset>
      </div>
      {places.length > 0 ? (
        <ul className="places">
          {some.map((p) => {
            const log = logOfPlace(p)
            return (
              <li key={log}>
                <PlaceRow place={p} log={log} me={state.me} unread={unreadOf(state, p)} current={log === current} />
              </li>
            )
          })}
          {more}
        </ul>
      ) : (
        <div className="empty places">
          <Inbox size={32} strokeWidth={1.5} />
          <p>{search ? `No chat is called “${search.trim()}”.` : emptyText[filter]}</p>
        </div>
      )}
    </section>
  )
}

const emptyText: Record<PlaceFilter, string> = {
  all: 'Your chats will be here.',
  people: 'Nobody has written to you yet.',
  groups: 'You are in no group yet.',
}

interface RowProps {
  place: Place
  log: Log
  me: UserRef
  unread: number
  current: boolean
}

const PlaceRow = memo(function PlaceRow({ place, log, me, unread, current }: RowProps) {
  const today = useToday()
  const last = lastOf(place)
  const at = last?.createdAt ?? place.updatedAt
  return (
    <Link href={hrefOf(log)} className={`place ${unread ? 'unread' : ''}`} aria-current={current ? 'page' : undefined}>
      <PlaceAvatar place={place} me={me} />
      <span className="name cut">
        <bdi>{nameOf(place, me)}</bdi>
      </span>
      <time className="time numbers" dateTime={at} title={formatExact(at)}>
        {formatShort(at, today)}
      </time>
      <Preview place={place} log={log} me={me} />
      {unread > 0 && (
        <span className="badge">
          {short(unread, 999)}
          <span className="visually-hidden"> unread</span>
        </span>
      )}
    </Link>
  )
})

function Preview({ place, log, me }: { place: Place; log: Log; me: UserRef }) {
  const writing = useWriting(log)
  const last = lastOf(place)
  if (writing.length > 0)
    return (
      <span className="preview writing cut">
        {place.kind === 'g' ? `${writing[0]?.displayName} is writing…` : 'writing…'}
      </span>
    )
  if (!last) return <span className="preview cut">{place.kind === 'g' ? 'New group' : 'No messages yet'}</span>
  const author = last.sender.id === me.id ? 'You' : place.kind === 'g' ? last.sender.displayName : ''
  return (
    <span className="preview cut">
      {author && <bdi>{author}: </bdi>}
      <bdi>{last.preview}</bdi>
    </span>
  )
}

/** Whether the page is live. */
function Light() {
  const state = useStreamState()
  const [kind, text, hint] =
    state.status === 'open'
      ? ['', 'Live', 'Everything arrives as it happens']
      : state.status === 'connecting'
        ? ['waiting', 'Connecting', 'The stream is being opened']
        : ['down', 'Offline', 'Not connected. It goes on where it was as soon as it can; what you write is kept.']
  return (
    <>
      <span className={`light ${kind}`} role="status" title={hint}>
        {text}
      </span>
      {state.status === 'closed' && (
        <button type="button" className="button small" onClick={() => tidings.events.connect()}>
          Connect
        </button>
      )}
    </>
  )
}
