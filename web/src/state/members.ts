import type { GroupMember, MembersAnswer } from '@tidings/client'
import type { AppEvent } from './apply'

/** The members of a group chat as far as they were fetched, in the order of their ids as text. */
export interface Members {
  members: readonly GroupMember[]
  /** Where the next page is. */
  next: string | undefined
}

export function withPage(m: Members, page: MembersAnswer): Members {
  const known = new Set(m.members.map((x) => x.id))
  const members = [...m.members, ...page.members.filter((x) => !known.has(x.id))]
  return { members: members.sort(byId), next: page.links.next }
}

const byId = (a: GroupMember, b: GroupMember) => (String(a.id) < String(b.id) ? -1 : 1)

/** What an event makes of the members of a group chat. */
export function applyToMembers(id: string) {
  return (m: Members, e: AppEvent): Members => {
    if (e.type !== 'group_update' || e.data.groupChat.id !== id) return m
    const { change, groupChat, members = [], member } = e.data
    switch (change) {
      case 'members_added':
        return members.reduce((all, user) => added(all, { ...user, role: 'member', joinedSeq: groupChat.seq }), m)
      case 'member_removed':
        return owned(removed(m, member?.id, groupChat.seq), groupChat.ownerId) // an owner who leaves hands over
      case 'owner_changed':
        return owned(m, groupChat.ownerId)
      default:
        return m
    }
  }
}

function added(m: Members, user: GroupMember): Members {
  const last = m.members.at(-1)
  const comesLater = m.next !== undefined && last !== undefined && byId(last, user) < 0
  if (comesLater || m.members.some((x) => x.id === user.id && x.joinedSeq >= user.joinedSeq)) return m
  return { ...m, members: [...m.members.filter((x) => x.id !== user.id), user].sort(byId) }
}

function removed(m: Members, user: number | undefined, seq: number): Members {
  const members = m.members.filter((x) => x.id !== user || x.joinedSeq > seq)
  return members.length === m.members.length ? m : { ...m, members }
}

function owned(m: Members, ownerId: number): Members {
  const role = (x: GroupMember) => (x.id === ownerId ? 'owner' : 'member')
  return m.members.every((x) => x.role === role(x))
    ? m
    : { ...m, members: m.members.map((x) => (x.role === role(x) ? x : { ...x, role: role(x) })) }
}
