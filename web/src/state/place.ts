import type { Conversation, GroupChat, LastMessage, UserRef } from '@tidings/client'

/** The id of a conversation's or group chat's log: what lists, unread counts and notifications are joined by. */
export type Log = `c:${string}` | `g:${string}`

/** Where people write to each other: a 1:1 conversation or a group chat, as lists show it. */
export type Place = ({ kind: 'c' } & Conversation) | ({ kind: 'g' } & GroupChat)

/** What events name a place by. */
export interface PlaceRef {
  conversationId?: string
  groupChatId?: string
}

export const logOf = (ref: PlaceRef): Log => (ref.groupChatId ? `g:${ref.groupChatId}` : `c:${ref.conversationId}`)

export const logOfPlace = (p: Place): Log => `${p.kind}:${p.id}`

/** The other side of a 1:1 conversation. */
export const other = (c: { members: readonly UserRef[] }, me: UserRef): UserRef =>
  c.members.find((m) => m.id !== me.id) ?? me

export const nameOf = (p: Place, me: UserRef): string => (p.kind === 'g' ? p.name : other(p, me).displayName)

export const lastOf = (p: Place): LastMessage | undefined => p.lastMessage ?? undefined

/** The page of a place. */
export const hrefOf = (log: Log): string => `/${log[0]}/${log.slice(2)}`
