import type { UserRef } from '@tidings/client'
import { Check, EllipsisVertical, MessageCircle, UserPlus, UsersRound, UserX } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { useLocation } from 'wouter'
import { explain, tidings } from './api'
import { FindPeople, useFound } from './found'
import { openConversation, useLists, useMe } from './lists'
import { Person } from './person'
import { hrefOf } from './state/place'
import { friendsByName, incoming, outgoing } from './state/view'
import { formatShort, useToday } from './time'
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
          <FindPeople search={search} onSearch={setSearch} />
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

interface DeedProps {
  label: string
  primary?: boolean
  busy: boolean
  onClick: () => Promise<void>
  children: ReactNode
}

function DeedButton({ label, primary, busy, onClick, children }: DeedProps) {
  return (
    <button
      type="button"
      className={primary ? 'button small primary' : 'button small'}
      disabled={busy}
      aria-label={label}
      onClick={() => void onClick()}
    >
      {children}
    </button>
  )
}

function WriteButton({ user, busy, onClick }: { user: UserRef; busy: boolean; onClick: () => Promise<void> }) {
  return (
    <button
      type="button"
      className="icon-button"
      disabled={busy}
      aria-label={`Write to ${user.displayName}`}
      title="Write"
      onClick={() => void onClick()}
    >
      <MessageCircle size={20} />
    </button>
  )
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section aria-label={title}>
      <h2 className="section-title">{title}</h2>
      <ul className="rows">{children}</ul>
    </section>
  )
}

function PersonRow({ user, note, children }: { user: UserRef; note?: string; children: ReactNode }) {
  return (
    <li className="row">
      <Person user={user} note={note} />
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
            <PersonRow key={r.id} user={r.from} note={formatShort(r.createdAt, today)}>
              <Answer request={r.id} name={r.from.displayName} />
            </PersonRow>
          ))}
        </Section>
      )}
      {sent.length > 0 && (
        <Section title="You have asked">
          {sent.map((r) => (
            <PersonRow key={r.id} user={r.to} note={formatShort(r.createdAt, today)}>
              <Withdraw request={r.id} name={r.to.displayName} />
            </PersonRow>
          ))}
        </Section>
      )}
      {friends.length > 0 && (
        <Section title={`Friends · ${friends.length}`}>
          {friends.map((f) => (
            <PersonRow key={f.user.id} user={f.user}>
              <FriendActions user={f.user} />
            </PersonRow>
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
      <DeedButton label={`Decline ${name}`} busy={busy} onClick={() => run(() => tidings.friends.decline(request))}>
        Decline
      </DeedButton>
      <DeedButton
        primary
        label={`Accept ${name}`}
        busy={busy}
        onClick={() => run(() => tidings.friends.accept(request))}
      >
        Accept
      </DeedButton>
    </>
  )
}

function Withdraw({ request, name }: { request: string; name: string }) {
  const { busy, run } = useDeed()
  return (
    <DeedButton
      label={`Withdraw the request to ${name}`}
      busy={busy}
      onClick={() => run(() => tidings.friends.withdraw(request))}
    >
      Withdraw
    </DeedButton>
  )
}

function FriendActions({ user }: { user: UserRef }) {
  const { busy, write } = useDeed()
  const [ending, setEnding] = useState(false)
  return (
    <>
      <WriteButton user={user} busy={busy} onClick={() => write(user)} />
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
        <PersonRow key={u.id} user={u}>
          <FoundActions user={u} />
        </PersonRow>
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
        <DeedButton
          label={`Ask ${user.displayName} to be friends`}
          busy={busy}
          onClick={() => run(() => tidings.friends.request({ userId: user.id }))}
        >
          <UserPlus size={16} />
          Add
        </DeedButton>
      )}
      <WriteButton user={user} busy={busy} onClick={() => write(user)} />
    </>
  )
}
