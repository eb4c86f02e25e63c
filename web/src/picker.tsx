import type { UserRef } from '@tidings/client'
import { Check } from 'lucide-react'
import { useState } from 'react'
import { explain } from './api'
import { FindPeople, useFound } from './found'
import { useLists, useMe } from './lists'
import { Person } from './person'
import { friendsByName } from './state/view'

interface Props {
  /** Who can't be chosen, with the reason. */
  without?: ReadonlyMap<number, string>
  chosen: readonly UserRef[]
  /** Whether a click adds to the choice; otherwise it is the choice. */
  several: boolean
  onChoose: (user: UserRef) => void
}

const nobody: ReadonlyMap<number, string> = new Map()

/** Finds people: one's friends at first, then whoever the typed text begins the name of. */
export function Picker({ without = nobody, chosen, several, onChoose }: Props) {
  const me = useMe()
  const friends = useLists(friendsByName)
  const [search, setSearch] = useState('')
  const { users, error } = useFound(search)
  const list = (search.trim() ? (users ?? []) : friends.map((f) => f.user)).filter((u) => u.id !== me.id)
  return (
    <>
      <FindPeople search={search} onSearch={setSearch} />
      <div className="picker">
        {error && <p className="mistake">{explain(error)}</p>}
        {!search.trim() && list.length > 0 && <h3 className="section-title">Friends</h3>}
        <ul className="rows">
          {list.map((u) => {
            const on = chosen.some((c) => c.id === u.id)
            const reason = without.get(u.id)
            return (
              <li key={u.id}>
                <button
                  type="button"
                  className="row"
                  disabled={reason !== undefined}
                  aria-pressed={several ? on : undefined}
                  onClick={() => onChoose(u)}
                >
                  <Person user={u} />
                  {reason ? (
                    <span className="row-note">{reason}</span>
                  ) : (
                    several && <span className={`tick ${on ? 'on' : ''}`}>{on && <Check size={14} />}</span>
                  )}
                </button>
              </li>
            )
          })}
        </ul>
        {list.length === 0 && !error && (
          <p className="empty" role="status">
            {search.trim()
              ? users
                ? `No other username begins with “${search.trim()}”.`
                : ''
              : 'Type the beginning of a username.'}
          </p>
        )}
      </div>
    </>
  )
}
