import type { UserRef } from '@tidings/client'
import { Avatar } from './ui/avatar'

interface Props {
  user: UserRef
  /** Whether that is who reads it. */
  you?: boolean
  /** What stands behind the username. */
  note?: string | undefined
}

/** Who a row of a list is about. */
export function Person({ user, you, note }: Props) {
  return (
    <>
      <Avatar name={user.displayName} id={user.id} />
      <span className="row-text">
        <span className="row-title cut">
          <bdi>{user.displayName}</bdi>
          {you && <span className="muted"> (you)</span>}
        </span>
        <span className="row-note cut">
          @{user.username}
          {note && ` · ${note}`}
        </span>
      </span>
    </>
  )
}
