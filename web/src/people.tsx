import type { UserRef } from '@tidings/client'
import { Check, EllipsisVertical, MessageCircle, Search, UserPlus, UsersRound, UserX } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { useLocation } from 'wouter'
import { explain, tidings } from './api'
import { useFound } from './found'
import { openConversation, useLists, useMe } from './lists'
import { hrefOf } from './state/place'
import { friendsByName, incoming, outgoing } from './state/view'
import { formatShort, useToday } from './time'
import { Avatar } from './ui/avatar'
import { Menu, MenuItem } from './ui/menu'
import { Confirm } from './ui/modal'
import { say } from './ui/toast'

/** Friends, requests, and everybody else. */
export function People() {
  const [search, setSearch] = useState('')
  return (
    <>
      <header className="bar">
        <h1>People</h1>
      </header>
      <div className="page">
        <div className="page-inner">
          <label className="search">
            <span className="visually-hidden">Find people by username</span>
            <Search size={17} />
            <input
              type="search"
              className="input"
              placeholder="Find people by username"
              autoCapitalize="none"
              spellCheck={false}
              maxLength={32}
              value={search}
              onChange={(e) => setSearch(e.target.value)}
            />
          </label>
          {search.trim() ? <Found search={search} /> : <Known />}
        </div>
      </div>
    </>
  )
}

/** Does something for somebody, once at a time, and says what went wrong. */
function useDeed() {
  const [busy, setBusy] = useState(false)
  const [, navigate] = useLocation()
  const run = async (deed: () => Promise<unknown>) => {
    setBusy(true)
    await deed()
      .catch((e) => say(explain(e)))
      .finally(() => setBusy(false))
  }
  return {
    busy,
    run,
    write: (user: UserRef) => run(async () => navigate(hrefOf(await openConversation(user.id)))),
  }
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section aria-label={title}>
      <h2 className="section-title">{title}</h2>
      <ul className="rows">{children}</ul>
    </section>
  )
}

function Person({ user, note, children }: { user: UserRef; note?: string; children: ReactNode }) {
  return (
    <li className="row">
      <Avatar name={user.displayName} id={user.id} />
      <span className="row-text">
        <span className="row-title cut">
          <bdi>{user.displayName}</bdi>
        </span>
        <span className="row-note cut">
          @{user.username}
          {note && ` · ${note}`}
        </span>
      </span>
      <span className="row-actions">{children}</span>
    </li>
  )
}

function Known() {
  const asked = useLists(incoming)
  const sent = useLists(outgoing)
  const friends = useLists(friendsByName)
  const today = useToday()
  if (asked.length + sent.length + friends.length === 0) {
    return (
      <div className="empty">
        <UsersRound size={40} strokeWidth={1.5} />
        <h2>No friends yet</h2>
        <p>Find people by the beginning of their username, and ask them.</p>
      </div>
    )
  }
  return (
    <>
      {asked.length > 0 && (
        <Section title="They ask to be your friends">
          {asked.map((r) => (
            <Person key={r.id} user={r.from} note={formatShort(r.createdAt, today)}>
              <Answer request={r.id} name={r.from.displayName} />
            </Person>
          ))}
        </Section>
      )}
      {sent.length > 0 && (
        <Section title="You have asked">
          {sent.map((r) => (
            <Person key={r.id} user={r.to} note={formatShort(r.createdAt, today)}>
              <Withdraw request={r.id} name={r.to.displayName} />
            </Person>
          ))}
        </Section>
      )}
      {friends.length > 0 && (
        <Section title={`Friends · ${friends.length}`}>
          {friends.map((f) => (
            <Person key={f.user.id} user={f.user}>
              <FriendActions user={f.user} />
            </Person>
          ))}
        </Section>
      )}
    </>
  )
}

function Answer({ request, name }: { request: string; name: string }) {
  const { busy, run } = useDeed()
  return (
    <>
      <button
        type="button"
        className="button small"
        disabled={busy}
        aria-label={`Decline ${name}`}
        onClick={() => void run(() => tidings.friends.decline(request))}
      >
        Decline
      </button>
      <button
        type="button"
        className="button small primary"
        disabled={busy}
        aria-label={`Accept ${name}`}
        onClick={() => void run(() => tidings.friends.accept(request))}
      >
        Accept
      </button>
    </>
  )
}

function Withdraw({ request, name }: { request: string; name: string }) {
  const { busy, run } = useDeed()
  return (
    <button
      type="button"
      className="button small"
      disabled={busy}
      aria-label={`Withdraw the request to ${name}`}
      onClick={() => void run(() => tidings.friends.withdraw(request))}
    >
      Withdraw
    </button>
  )
}

function FriendActions({ user }: { user: UserRef }) {
  const { busy, write } = useDeed()
  const [ending, setEnding] = useState(false)
  return (
    <>
      <button
        type="button"
        className="icon-button"
        disabled={busy}
        aria-label={`Write to ${user.displayName}`}
        title="Write"
        onClick={() => void write(user)}
      >
        <MessageCircle size={20} />
      </button>
      <Menu label={`More for ${user.displayName}`} icon={<EllipsisVertical size={20} />}>
        <MenuItem danger icon={<UserX size={18} />} onClick={() => setEnding(true)}>
          End friendship
        </MenuItem>
      </Menu>
      <Confirm
        title={`End your friendship with ${user.displayName}?`}
        text="Your chat stays. They aren’t told by a notification."
        action="End friendship"
        open={ending}
        onClose={() => setEnding(false)}
        onConfirm={() => tidings.friends.remove(user.id).catch((e) => say(explain(e)))}
      />
    </>
  )
}

function Found({ search }: { search: string }) {
  const { users, error, pending } = useFound(search)
  if (error) return <p className="mistake">{explain(error)}</p>
  if (!users) return <p className="muted">{pending ? 'Searching…' : ''}</p>
  if (users.length === 0) {
    return (
      <div className="empty" role="status">
        <p>No username begins with “{search.trim()}”.</p>
      </div>
    )
  }
  return (
    <Section title="Found">
      {users.map((u) => (
        <Person key={u.id} user={u}>
          <FoundActions user={u} />
        </Person>
      ))}
    </Section>
  )
}

function FoundActions({ user }: { user: UserRef }) {
  const me = useMe()
  const isFriend = useLists((s) => s.friends.has(user.id))
  const theirs = useLists((s) => s.asked.has(`${user.id}-${me.id}`))
  const mine = useLists((s) => s.asked.has(`${me.id}-${user.id}`))
  const { busy, run, write } = useDeed()
  if (user.id === me.id) return <span className="muted">This is you</span>
  return (
    <>
      {isFriend ? (
        <span className="row-note">
          <Check size={14} aria-hidden="true" /> Friend
        </span>
      ) : mine ? (
        <Withdraw request={`${me.id}-${user.id}`} name={user.displayName} />
      ) : theirs ? (
        <Answer request={`${user.id}-${me.id}`} name={user.displayName} />
      ) : (
        <button
          type="button"
          className="button small"
          disabled={busy}
          aria-label={`Ask ${user.displayName} to be friends`}
          onClick={() => void run(() => tidings.friends.request({ userId: user.id }))}
        >
          <UserPlus size={16} />
          Add
        </button>
      )}
      <button
        type="button"
        className="icon-button"
        disabled={busy}
        aria-label={`Write to ${user.displayName}`}
        title="Write"
        onClick={() => void write(user)}
      >
        <MessageCircle size={20} />
      </button>
    </>
  )
}
