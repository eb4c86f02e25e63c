import type { UserRef } from '@tidings/client'
import { UsersRound } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { useLocation } from 'wouter'
import { explain } from './api'
import { createGroup, openConversation } from './lists'
import { Picker } from './picker'
import { hrefOf, type Log } from './state/place'
import { Chosen } from './ui/chosen'
import { Modal } from './ui/modal'

/** As many can be added by one request. */
const most = 40

/** Begins a conversation with one person, or a group chat with several. */
export default function NewChat({ onClose }: { onClose: () => void }) {
  const [, navigate] = useLocation()
  const [group, setGroup] = useState(false)
  const [chosen, setChosen] = useState<readonly UserRef[]>([])
  const [name, setName] = useState('')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState('')

  const begin = async (make: () => Promise<Log>) => {
    setBusy(true)
    setError('')
    try {
      navigate(hrefOf(await make()))
      onClose()
    } catch (e) {
      setError(explain(e))
      setBusy(false)
    }
  }
  const choose = (user: UserRef) => {
    if (busy) return
    if (!group) void begin(() => openConversation(user.id))
    else toggle(user)
  }
  const toggle = (user: UserRef) =>
    setChosen((now) =>
      now.some((u) => u.id === user.id) ? now.filter((u) => u.id !== user.id) : [...now, user].slice(0, most),
    )
  const create = (e: FormEvent) => {
    e.preventDefault()
    void begin(() =>
      createGroup(
        name.trim(),
        chosen.map((u) => u.id),
      ),
    )
  }

  return (
    <Modal title={group ? 'New group' : 'New chat'} open onClose={onClose}>
      {group ? (
        <form className="stack" id="new-group" onSubmit={create}>
          <div className="field">
            <label htmlFor="group-name">Name of the group</label>
            <input
              id="group-name"
              className="input"
              required
              maxLength={100}
              dir="auto"
              autoComplete="off"
              value={name}
              onChange={(e) => setName(e.target.value)}
            />
          </div>
          <Chosen users={chosen} onDrop={toggle} />
        </form>
      ) : (
        <button type="button" className="row accent-row" onClick={() => setGroup(true)}>
          <span className="avatar group plain">
            <UsersRound size={20} />
          </span>
          <span className="row-title">New group</span>
        </button>
      )}
      <Picker chosen={chosen} several={group} onChoose={choose} />
      {error && (
        <p className="mistake" role="alert">
          {error}
        </p>
      )}
      {group && (
        <div className="dialog-foot">
          <button type="button" className="button" onClick={() => setGroup(false)}>
            Back
          </button>
          <button type="submit" form="new-group" className="button primary" disabled={busy || !name.trim()}>
            Create group
          </button>
        </div>
      )}
    </Modal>
  )
}
