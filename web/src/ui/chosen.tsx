import type { UserRef } from '@tidings/client'
import { X } from 'lucide-react'

/** Who has been chosen, each with a way back. */
export function Chosen({ users, onDrop }: { users: readonly UserRef[]; onDrop: (u: UserRef) => void }) {
  if (users.length === 0) return null
  return (
    <ul className="chosen" aria-label="Chosen">
      {users.map((u) => (
        <li key={u.id}>
          <button
            type="button"
            className="chip"
            data-active=""
            onClick={() => onDrop(u)}
            aria-label={`Leave out ${u.displayName}`}
          >
            <span className="cut" dir="auto">
              {u.displayName}
            </span>
            <X size={14} />
          </button>
        </li>
      ))}
    </ul>
  )
}
