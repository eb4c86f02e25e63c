import type { FriendRequest, FriendsChanged, Notification, UserRef } from '@tidings/client'
import { markRead } from './bell'
import { drop, put, type State } from './state'

/** What a notification of a friend request or of its acceptance changes beside the bell. */
export function friendNotified(s: State, n: Notification): State {
  const { requestId, actor } = n
  if (!requestId || !actor) return s
  switch (n.kind) {
    case 'friend_request':
      return asked(s, { id: requestId, seq: n.seq, from: actor, to: s.me, createdAt: n.createdAt })
    case 'friend_accepted':
      return befriended(answered(s, requestId, n.seq), actor, n.seq, n.createdAt)
    default:
      return s
  }
}

export function friendsChanged(s: State, d: FriendsChanged): State {
  const { seq, user, requestId, createdAt } = d
  if (requestId) s = markRead(s, (n) => n.kind === 'friend_request' && n.requestId === requestId && n.seq < seq)
  switch (d.change) {
    case 'requested':
      return requestId ? asked(s, { id: requestId, seq, from: s.me, to: user, createdAt }) : s
    case 'accepted':
      return befriended(requestId ? answered(s, requestId, seq) : s, user, seq, createdAt)
    case 'declined':
    case 'withdrawn':
      return requestId ? answered(s, requestId, seq) : s
    case 'unfriended':
      return (s.friends.get(user.id)?.seq ?? seq) < seq ? { ...s, friends: drop(s.friends, user.id) } : s
    default:
      return s
  }
}

function asked(s: State, r: FriendRequest): State {
  return (s.asked.get(r.id)?.seq ?? 0) < r.seq ? { ...s, asked: put(s.asked, r.id, r) } : s
}

function answered(s: State, request: string, seq: number): State {
  return (s.asked.get(request)?.seq ?? seq) < seq ? { ...s, asked: drop(s.asked, request) } : s
}

function befriended(s: State, user: UserRef, seq: number, since: string): State {
  return (s.friends.get(user.id)?.seq ?? 0) < seq ? { ...s, friends: put(s.friends, user.id, { user, seq, since }) } : s
}
