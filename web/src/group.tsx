import { useQuery } from '@tanstack/react-query'
import type { GroupChat, GroupMember, UserRef } from '@tidings/client'
import { Crown, EllipsisVertical, LogOut, Trash2, UserMinus, UserPlus } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { explain, tidings } from './api'
import { useMe } from './lists'
import { loadMoreMembers, members } from './members'
import { Person } from './person'
import { Picker } from './picker'
import { Chosen } from './ui/chosen'
import { Menu, MenuItem } from './ui/menu'
import { Confirm, Modal } from './ui/modal'

/** As many can be added by one request. */
const most = 40

/** Does something, and gives what went wrong to the dialog. */
type Try = (deed: Promise<unknown>) => Promise<void>

/** Who is in a group chat, and what its owner and members may do with it. */
export default function Group({ group, onClose }: { group: GroupChat; onClose: () => void }) {
  const me = useMe()
  const mine = group.ownerId === me.id
  const [adding, setAdding] = useState(false)
  const [asking, setAsking] = useState<'leave' | 'delete'>()
  const [error, setError] = useState('')
  const attempt: Try = async (deed) => {
    setError('')
    await deed.catch((e) => setError(explain(e)))
  }
  if (adding) return <Add group={group} onBack={() => setAdding(false)} onClose={onClose} />
  return (
    <Modal title={mine ? 'Group' : group.name} open onClose={onClose}>
      {mine && <Rename key={group.name} group={group} attempt={attempt} />}
      <div className="group-members">
        <div className="dialog-head">
          <h3>
            {group.memberCount} {group.memberCount === 1 ? 'member' : 'members'}
          </h3>
          {mine && (
            <button type="button" className="button small" onClick={() => setAdding(true)}>
              <UserPlus size={16} />
              Add people
            </button>
          )}
        </div>
        <MemberList group={group} mine={mine} attempt={attempt} />
      </div>
      {error && (
        <p className="mistake" role="alert">
          {error}
        </p>
      )}
      <div className="dialog-foot">
        <button type="button" className="button danger" onClick={() => setAsking('leave')}>
          <LogOut size={17} />
          Leave
        </button>
        {mine && (
          <button type="button" className="button danger" onClick={() => setAsking('delete')}>
            <Trash2 size={17} />
            Delete for all
          </button>
        )}
      </div>
      <Confirm
        title={`Leave ${group.name}?`}
        text={
          mine && group.memberCount > 1
            ? 'You own this group. It passes to the member who has been in it longest.'
            : 'You can come back when somebody adds you.'
        }
        action="Leave"
        open={asking === 'leave'}
        onClose={() => setAsking(undefined)}
        onConfirm={() => attempt(tidings.groupChats.removeMember(group.id, me.id).then(onClose))}
      />
      <Confirm
        title={`Delete ${group.name}?`}
        text="The group and all its messages are gone for all members. This can’t be taken back."
        action="Delete for all"
        open={asking === 'delete'}
        onClose={() => setAsking(undefined)}
        onConfirm={() => attempt(tidings.groupChats.remove(group.id).then(onClose))}
      />
    </Modal>
  )
}

function Rename({ group, attempt }: { group: GroupChat; attempt: Try }) {
  const [name, setName] = useState(group.name)
  const [busy, setBusy] = useState(false)
  const changed = name.trim() !== '' && name.trim() !== group.name
  const submit = (e: FormEvent) => {
    e.preventDefault()
    if (!changed) return
    setBusy(true)
    void attempt(tidings.groupChats.update(group.id, { name: name.trim() })).finally(() => setBusy(false))
  }
  return (
    <form className="field" onSubmit={submit}>
      <label htmlFor="rename">Name</label>
      <div className="with-button">
        <input
          id="rename"
          className="input"
          required
          maxLength={100}
          dir="auto"
          autoComplete="off"
          value={name}
          onChange={(e) => setName(e.target.value)}
        />
        <button type="submit" className="button" disabled={!changed || busy}>
          Rename
        </button>
      </div>
    </form>
  )
}

function MemberList({ group, mine, attempt }: { group: GroupChat; mine: boolean; attempt: Try }) {
  const me = useMe()
  const { data, error, refetch } = useQuery(members(group.id))
  const [busy, setBusy] = useState(false)
  if (error && !data) {
    return (
      <div className="empty" role="alert">
        <p>{explain(error)}</p>
        <button type="button" className="button" onClick={() => void refetch()}>
          Try again
        </button>
      </div>
    )
  }
  const more = () => {
    setBusy(true)
    void attempt(loadMoreMembers(group.id)).finally(() => setBusy(false))
  }
  return (
    <div className="picker">
      <ul className="rows">
        {data?.members.map((m) => (
          <li key={m.id} className="row">
            <Person user={m} you={m.id === me.id} />
            {m.role === 'owner' && (
              <span className="chip" data-active="">
                <Crown size={14} aria-hidden="true" />
                Owner
              </span>
            )}
            {mine && m.id !== me.id && <MemberMenu group={group} member={m} attempt={attempt} />}
          </li>
        ))}
      </ul>
      {data?.next && (
        <button type="button" className="button small" disabled={busy} onClick={more}>
          Show more
        </button>
      )}
    </div>
  )
}

function MemberMenu({ group, member, attempt }: { group: GroupChat; member: GroupMember; attempt: Try }) {
  const [asking, setAsking] = useState<'remove' | 'hand over'>()
  const name = member.displayName
  return (
    <>
      <Menu label={`More for ${name}`} icon={<EllipsisVertical size={20} />}>
        <MenuItem icon={<Crown size={18} />} onClick={() => setAsking('hand over')}>
          Make owner
        </MenuItem>
        <MenuItem danger icon={<UserMinus size={18} />} onClick={() => setAsking('remove')}>
          Remove from group
        </MenuItem>
      </Menu>
      <Confirm
        title={`Remove ${name}?`}
        text={`They no longer see what is written in ${group.name} from now on.`}
        action="Remove"
        open={asking === 'remove'}
        onClose={() => setAsking(undefined)}
        onConfirm={() => attempt(tidings.groupChats.removeMember(group.id, member.id))}
      />
      <Confirm
        title={`Hand ${group.name} over to ${name}?`}
        text="Only they can then rename it, add and remove people, or hand it back."
        action="Hand over"
        open={asking === 'hand over'}
        onClose={() => setAsking(undefined)}
        onConfirm={() => attempt(tidings.groupChats.update(group.id, { ownerId: member.id }))}
      />
    </>
  )
}

function Add({ group, onBack, onClose }: { group: GroupChat; onBack: () => void; onClose: () => void }) {
  const { data } = useQuery(members(group.id))
  const [chosen, setChosen] = useState<readonly UserRef[]>([])
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState('')
  const without = new Map(data?.members.map((m) => [m.id, 'Member']))
  const toggle = (user: UserRef) =>
    setChosen((now) =>
      now.some((u) => u.id === user.id) ? now.filter((u) => u.id !== user.id) : [...now, user].slice(0, most),
    )
  const add = async () => {
    setBusy(true)
    setError('')
    try {
      await tidings.groupChats.addMembers(
        group.id,
        chosen.map((u) => u.id),
      )
      onBack()
    } catch (e) {
      setError(explain(e))
      setBusy(false)
    }
  }
  return (
    <Modal title="Add people" open onClose={onClose}>
      <Chosen users={chosen} onDrop={toggle} />
      <Picker chosen={chosen} several without={without} onChoose={toggle} />
      {error && (
        <p className="mistake" role="alert">
          {error}
        </p>
      )}
      <div className="dialog-foot">
        <button type="button" className="button" onClick={onBack}>
          Back
        </button>
        <button
          type="button"
          className="button primary"
          disabled={busy || chosen.length === 0}
          onClick={() => void add()}
        >
          {chosen.length > 1 ? `Add ${chosen.length} people` : 'Add'}
        </button>
      </div>
    </Modal>
  )
}
