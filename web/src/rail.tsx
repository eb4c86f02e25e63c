import { Activity, LogOut, MessageCircle, UsersRound } from 'lucide-react'
import type { ReactNode } from 'react'
import { Link, useRoute } from 'wouter'
import { explain, tidings } from './api'
import { Bell } from './bell'
import { Brand } from './brand'
import { Count, short } from './count'
import { useLists, useMe } from './lists'
import { incoming, unreadTotal } from './state/view'
import { Avatar } from './ui/avatar'
import { Menu, MenuItem } from './ui/menu'
import { say } from './ui/toast'

/** The ways through the app: at the side, on a phone at the bottom. */
export function Rail() {
  const unread = useLists(unreadTotal)
  const asked = useLists((s) => incoming(s).length)
  return (
    <nav className="rail" aria-label="Tidings">
      <Brand />
      <Way to="/" also="/:kind/:id" label="Chats" count={unread} unit="unread">
        <MessageCircle size={22} />
      </Way>
      <Way to="/people" label="People" count={asked} unit="requests">
        <UsersRound size={22} />
      </Way>
      <Bell />
      <Way to="/ops" label="Operations" count={0} unit="">
        <Activity size={22} />
      </Way>
      <span className="gap" />
      <Account />
    </nav>
  )
}

interface WayProps {
  to: string
  also?: string
  label: string
  count: number
  /** What the count counts. */
  unit: string
  children: ReactNode
}

function Way({ to, also, label, count, unit, children }: WayProps) {
  const [here] = useRoute(to)
  const [there] = useRoute(also ?? to)
  const name = count ? `${label}, ${short(count)} ${unit}` : label
  return (
    <Link
      href={to}
      className={`icon-button ${here || there ? 'on' : ''}`}
      aria-label={name}
      aria-current={here ? 'page' : undefined}
      title={label}
    >
      {children}
      {count > 0 && <Count n={count} />}
    </Link>
  )
}

function Account() {
  const me = useMe()
  const logout = () => tidings.logout().catch((e) => say(explain(e)))
  return (
    <Menu
      label={`Account of ${me.displayName}`}
      title={me.displayName}
      icon={<Avatar name={me.displayName} id={me.id} />}
      side="top"
      align="start"
    >
      <div className="menu-label">
        <div className="row-title cut">
          <bdi>{me.displayName}</bdi>
        </div>
        <div className="row-note cut">@{me.username}</div>
      </div>
      <MenuItem icon={<LogOut size={18} />} onClick={() => void logout()}>
        Log out
      </MenuItem>
    </Menu>
  )
}
