import { Popover } from '@base-ui/react/popover'
import type { Notification } from '@tidings/client'
import { BellIcon, BellOff, Check, CheckCheck } from 'lucide-react'
import { type ReactNode, useMemo, useState } from 'react'
import { useLocation } from 'wouter'
import { explain, tidings } from './api'
import { Count, short } from './count'
import { foresee, foreseeRead, loadOlderNotifications, useLists, useMe } from './lists'
import { type BellItem, bellItems, bellUnread, markRead } from './state/bell'
import { hrefOf, nameOf } from './state/place'
import { formatExact, formatShort, useToday } from './time'
import { Avatar, PlaceAvatar } from './ui/avatar'
import { say } from './ui/toast'

/** The bell: what others did, with how much of it is unread. */
export function Bell() {
  const unread = useLists(bellUnread)
  const [open, setOpen] = useState(false)
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger
        className="icon-button"
        aria-label={unread ? `Notifications, ${short(unread)} unread` : 'Notifications'}
        title="Notifications"
      >
        <BellIcon size={22} />
        {unread > 0 && <Count n={unread} />}
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner side="right" align="start" sideOffset={10} collisionPadding={8}>
          <Popover.Popup className="popup bell">
            <List unread={unread} onDone={() => setOpen(false)} />
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  )
}

function List({ unread, onDone }: { unread: number; onDone: () => void }) {
  const state = useLists((s) => s)
  const items = useMemo(() => bellItems(state), [state])
  const [busy, setBusy] = useState(false)
  const run = async (work: () => Promise<unknown>) => {
    setBusy(true)
    await work()
      .catch((e) => say(explain(e)))
      .finally(() => setBusy(false))
  }
  return (
    <>
      <div className="bell-head">
        <Popover.Title>Notifications</Popover.Title>
        {unread > 0 && (
          <button
            type="button"
            className="button small"
            disabled={busy}
            onClick={() => void run(() => tidings.notifications.readAll())}
          >
            <CheckCheck size={16} />
            Mark all read
          </button>
        )}
      </div>
      {items.length === 0 ? (
        <div className="empty">
          <BellOff size={32} strokeWidth={1.5} />
          <p>Nothing new. Messages and friend requests will be here.</p>
        </div>
      ) : (
        <ul className="bell-list">
          {items.map((item) => (
            <Item key={item.log ?? item.notification.id} item={item} onDone={onDone} />
          ))}
          {state.older && (
            <li>
              <button
                type="button"
                className="button small"
                disabled={busy}
                onClick={() => void run(loadOlderNotifications)}
              >
                Show older ones
              </button>
            </li>
          )}
        </ul>
      )}
    </>
  )
}

function Item({ item, onDone }: { item: BellItem; onDone: () => void }) {
  const { notification: n, log, count, read } = item
  const me = useMe()
  const today = useToday()
  const place = useLists((s) => (log ? s.places.get(log) : undefined))
  const [, navigate] = useLocation()

  const mark = () => {
    // Shown at once; the event will say the same. If it can't be told, the list says so when it is fetched again.
    if (log && n.messageCount) foreseeRead(log, n.messageCount)
    else foresee((s) => markRead(s, (other) => other.id === n.id))
    tidings.notifications.read(n.id).catch((e) => say(explain(e)))
  }
  const go = () => {
    if (!read && !log) mark() // a chat is read when its messages are seen
    const to = log ? hrefOf(log) : n.kind === 'custom' ? undefined : '/people'
    if (to) navigate(to)
    onDone()
  }
  const title = place?.kind === 'g' ? nameOf(place, me) : (n.actor?.displayName ?? 'Tidings')

  return (
    <li className={`bell-item ${read ? 'read' : ''}`}>
      <button type="button" className="row" onClick={go}>
        {place ? <PlaceAvatar place={place} me={me} /> : <Avatar name={title} id={n.actor?.id ?? 0} />}
        <span className="row-text">
          <span className="row-title cut">
            <bdi>{title}</bdi>
          </span>
          <span className="preview">{sentence(n, place?.kind === 'g')}</span>
          <span className="row-note">
            {!read && <span className="dot" />}
            <time dateTime={n.createdAt} title={formatExact(n.createdAt)}>
              {formatShort(n.createdAt, today)}
            </time>
            {count > 1 && ` · ${count} unread messages`}
          </span>
        </span>
      </button>
      {!read && (
        <button
          type="button"
          className="icon-button"
          aria-label={`Mark as read: ${title}`}
          title="Mark as read"
          onClick={mark}
        >
          <Check size={18} />
        </button>
      )}
    </li>
  )
}

/** What has happened, in a sentence. */
function sentence(n: Notification, inGroup: boolean): ReactNode {
  switch (n.kind) {
    case 'message':
    case 'group_message':
      return (
        <>
          {inGroup && <bdi>{n.actor?.displayName}: </bdi>}
          <bdi>{n.preview}</bdi>
        </>
      )
    case 'friend_request':
      return 'wants to be your friend'
    case 'friend_accepted':
      return 'is your friend now'
    default:
      return n.preview || n.type || 'Something has happened'
  }
}
