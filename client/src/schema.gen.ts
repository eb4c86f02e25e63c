// Made from docs/ and the golden files: npm run generate

/** The data of each type of event. */
export interface EventMap {
  /** A message, to the other members. */
  message: MessageData
  /** Something that others did and that the user may want to be told of, to that user. */
  notification: Notification
  /** A 1:1 conversation has changed, to both members; the author of a message gets it here. */
  conversation_update: ConversationUpdate
  /** A group chat has changed, to all members, those too that it removes; the author of a message gets it here. */
  group_update: GroupUpdate
  /** The user has read up to a message, to the user's own streams. */
  read: ReadMark
  /** Friends or friend requests have changed in a way that no notification tells, to the user's own streams. With a requestId, its notification is read. */
  friends_changed: FriendsChanged
  /** Notifications were read, to the user's own streams. */
  notification_read: NotificationRead
  /** A member is writing, to the others. */
  typing: TypingData
  /** A member has read up to a message, to the others. */
  receipt: ReceiptData
}

/** The data of the events by which the stream speaks of itself. */
export interface ControlMap {
  /** The stream's position is fixed: fetch the lists now and apply what comes from here on. */
  ready: ReadyData
  /** The stream is alive, never more than 30 s after the last one; ts is the server's clock in Unix milliseconds. */
  heartbeat: HeartbeatData
  /** What lies between the client's position and here is not told: fetch your lists again. The reason is expired, invalid, selection or overflow. */
  reset: ResetData
  /** This instance is full or going away; connect again after the delay. */
  reconnect: ReconnectData
  /** The session has ended and the stream ends with it. The reason is logout, expired, deleted or replaced. */
  revoked: RevokedData
}

export interface ConnectionsAnswer {
  /** of all instances */
  connections: number
  instances: Instance[]
  listeners?: UserListeners
}

/** A 1:1 conversation as one of its members sees it. */
export interface Conversation {
  id: string
  /** the entry that this state reflects */
  seq: number
  members: UserRef[]
  lastMessage: LastMessage | null
  messageCount: number
  updatedAt: string
  readCount?: number
  unreadCount?: number
  /** the entry of the reader's newest join or leave */
  memberSeq?: number
}

export interface ConversationAnswer {
  conversation: Conversation
}

export interface ConversationUpdate {
  conversation: Conversation
  change: 'created' | 'message'
  message?: Message
}

export interface ConversationsAnswer {
  conversations: Conversation[]
}

export interface DeliveryAnswer {
  minutes: number
  types: DeliverySummary[]
}

/** What was delivered of one type. The latencies are in ms, null where none is known. */
export interface DeliverySummary {
  type: string
  delivered: number
  p50: number | null
  p95: number | null
  p99: number | null
}

export interface EmitAnswer {
  emitted: Emitted[]
  failed: EmitFailure[]
}

export interface EmitFailure {
  userId: number
  code: string
  detail: string
}

export interface Emitted {
  userId: number
  /** of the event on the receiver's streams */
  eventId: string
}

/** Names a field by its path in the request, such as "memberIds[2]". */
export interface FieldError {
  path: string
  code: string
  message: string
}

/** One of a user's friends. */
export interface Friend {
  user: UserRef
  /** the entry of the reader's own log that made them friends */
  seq: number
  since: string
}

export interface FriendAnswer {
  friend: Friend
}

/** An open request as one of its two sides sees it. Its id is "<from>-<to>". */
export interface FriendRequest {
  id: string
  /** the entry of the reader's own log that told of it */
  seq: number
  from: UserRef
  to: UserRef
  /** of that entry */
  createdAt: string
}

export interface FriendsAnswer {
  friends: Friend[]
  links: NextLink
}

/** Tells a side of a change that no notification tells it. */
export interface FriendsChanged {
  seq: number
  change: 'requested' | 'accepted' | 'declined' | 'withdrawn' | 'unfriended'
  user: UserRef
  /** a notification of this request is read from now on */
  requestId?: string
  createdAt: string
}

export interface GroupAnswer {
  groupChat: GroupChat
}

/** A group chat as one of its members sees it. */
export interface GroupChat {
  id: string
  /** the entry that this state reflects */
  seq: number
  name: string
  ownerId: number
  memberCount: number
  lastMessage?: LastMessage
  messageCount: number
  updatedAt: string
  readCount?: number
  unreadCount?: number
  /** the entry of the reader's newest join or leave */
  memberSeq?: number
}

/** One line of a group chat's list of members. */
export interface GroupMember {
  id: number
  username: string
  displayName: string
  role: 'member' | 'owner'
  /** the entry that added them */
  joinedSeq: number
}

export interface GroupUpdate {
  groupChat: GroupChat
  change: 'created' | 'message' | 'members_added' | 'member_removed' | 'renamed' | 'owner_changed' | 'deleted'
  /** created, members_added: the new ones */
  members?: UserRef[]
  member?: UserRef
  message?: Message
}

export interface GroupsAnswer {
  groupChats: GroupChat[]
}

export interface HeartbeatData {
  /** Unix ms */
  ts: number
}

/** A streamer, as it says of itself. */
export interface Instance {
  name: string
  cell: number
  /** it gets new streams */
  ready: boolean
  connections: number
  version: string
  started: string
  /** when it said so */
  updated: string
}

/** Those at one instance. */
export interface InstanceListeners {
  name: string
  connections: number
}

/** What lists show of a log's newest message. */
export interface LastMessage {
  id: string
  seq: number
  sender: UserRef
  preview: string
  createdAt: string
}

export interface MembersAnswer {
  members: GroupMember[]
  links: NextLink
}

/** A message as clients see it. Its id is its seq. */
export interface Message {
  id: string
  seq: number
  sender: UserRef
  content: string
  createdAt: string
}

export interface MessageAnswer {
  message: Message
}

export interface MessageData {
  /** of a 1:1 conversation */
  conversationId?: string
  /** of a group chat */
  groupChatId?: string
  message: Message
}

export interface MessagesAnswer {
  messages: Message[]
  links: PageLinks
}

/** Relative to the API's origin, missing on the last page. */
export interface NextLink {
  next?: string
}

/** Tells a user of something that others did. */
export interface Notification {
  /** "<log>/<seq>" of the entry that tells it */
  id: string
  /** of that entry */
  seq: number
  kind: 'message' | 'group_message' | 'friend_request' | 'friend_accepted' | 'custom'
  actor?: UserRef
  /** of a 1:1 conversation */
  conversationId?: string
  /** of a group chat */
  groupChatId?: string
  messageId?: string
  requestId?: string
  /** of a custom one: the type of its event */
  type?: string
  /** of a custom one: the data of its event */
  data?: unknown
  /** the beginning of a message */
  preview: string
  createdAt: string
  read: boolean
  /** the messages not read, messageCount − readCount */
  count?: number
  /** as in the updates of the conversation or group chat */
  messageCount?: number
  /** as in the read events */
  readCount?: number
}

/** Tells the user's other devices what is read. With all, every stored notification before seq is, and every conversation up to its read. */
export interface NotificationRead {
  seq: number
  ids?: string[]
  all?: boolean
  reads?: ReadPosition[]
}

export interface NotificationsAnswer {
  notifications: Notification[]
  unreadCount: number
  links: OlderLink
}

/** Relative to the API's origin, missing on the last page. */
export interface OlderLink {
  older?: string
}

/** Relative to the API's origin; a missing one means that there is nothing more on that side. */
export interface PageLinks {
  older?: string
  newer?: string
}

/** An error as clients see it: RFC 9457 with the API's own members code and errors. */
export interface Problem {
  /** a relative reference, stable per code */
  type: string
  title: string
  status: number
  detail?: string
  code: string
  errors?: FieldError[]
}

export interface ReadMark {
  /** of the entry in the user's own log */
  seq: number
  /** of a 1:1 conversation */
  conversationId?: string
  /** of a group chat */
  groupChatId?: string
  /** the newest message that was read */
  messageId: string
  /** the messages up to that one; messageCount less these are unread */
  readCount: number
}

export interface ReadPosition {
  /** of a 1:1 conversation */
  conversationId?: string
  /** of a group chat */
  groupChatId?: string
  messageId: string
  readCount: number
}

export interface ReadyData {
  connectionId: string
  /** whether the position that the client gave was taken up */
  resumed: boolean
}

export interface ReceiptData {
  /** of a 1:1 conversation */
  conversationId?: string
  /** of a group chat */
  groupChatId?: string
  /** who has read */
  userId: number
  /** the newest message that was read */
  messageId: string
  /** the messages up to that one */
  readCount: number
}

export interface ReconnectData {
  delayMs: number
}

export interface RequestAnswer {
  request: FriendRequest
}

export interface RequestsAnswer {
  incoming: FriendRequest[]
  outgoing: FriendRequest[]
}

export interface ResetData {
  reason: string
}

export interface RevokedData {
  reason: string
}

/** Tells who is logged in. Token is for clients that keep no cookies. */
export interface SessionAnswer {
  user: UserRef
  token?: string
  expires: string
}

export interface TypingData {
  /** of a 1:1 conversation */
  conversationId?: string
  /** of a group chat */
  groupChatId?: string
  user: UserRef
}

export interface UserAnswer {
  user: UserRef
}

/** The streams of one user. */
export interface UserListeners {
  userId: number
  connections: number
  /** where there are any */
  instances: InstanceListeners[]
  /** instances that did not answer in 2 s, so there may be more */
  unanswered: string[]
}

/** A user as others see them. */
export interface UserRef {
  id: number
  username: string
  displayName: string
}

export interface UsersAnswer {
  users: UserRef[]
}

/** What each route takes and answers with. */
export interface Routes {
  /** Make an account and log in */
  'POST /api/auth/register': {
    body: {
      /** unique, whatever its case */
      username: string
      password: string
      /** without control characters; trimmed; the username unless given */
      displayName?: string | null
    }
    answer: SessionAnswer
  }
  /** Log in */
  'POST /api/auth/login': {
    body: {
      username: string
      password: string
    }
    answer: SessionAnswer
  }
  /** End the session and its streams */
  'POST /api/auth/logout': {
    body: Record<string, never>
    answer: undefined
  }
  /** Tell who is logged in */
  'GET /api/auth/session': {
    answer: SessionAnswer
  }
  /** Find people by the start of their username */
  'GET /api/users': {
    query: {
      /** the start of a username, in any case */
      query: string
    }
    answer: UsersAnswer
  }
  /** Show one person */
  'GET /api/users/{id}': {
    path: {
      /** the user's id */
      id: string | number
    }
    answer: UserAnswer
  }
  /** List one's 1:1 conversations, the newest change first */
  'GET /api/conversations': {
    answer: ConversationsAnswer
  }
  /** Open the conversation with another user */
  'POST /api/conversations': {
    body: {
      /** the other user */
      userId: number
    }
    answer: ConversationAnswer
  }
  /** Show one conversation */
  'GET /api/conversations/{id}': {
    path: {
      /** the conversation's id */
      id: string | number
    }
    answer: ConversationAnswer
  }
  /** List one's group chats, the newest change first */
  'GET /api/groupchats': {
    answer: GroupsAnswer
  }
  /** Make a group chat, of which one is the owner */
  'POST /api/groupchats': {
    body: {
      /** the name, trimmed */
      name: string
      /** the other members */
      memberIds?: number[] | null
    }
    answer: GroupAnswer
  }
  /** Show one group chat */
  'GET /api/groupchats/{id}': {
    path: {
      /** the group chat's id */
      id: string | number
    }
    answer: GroupAnswer
  }
  /** Rename a group chat or hand it over; the owner may */
  'PATCH /api/groupchats/{id}': {
    path: {
      /** the group chat's id */
      id: string | number
    }
    body: {
      /** the new name, trimmed */
      name?: string | null
      /** the member who is the owner from now on */
      ownerId?: number | null
    }
    answer: GroupAnswer
  }
  /** End a group chat for all; the owner may */
  'DELETE /api/groupchats/{id}': {
    path: {
      /** the group chat's id */
      id: string | number
    }
    answer: undefined
  }
  /** Read a page of the members, in the order of their ids as text */
  'GET /api/groupchats/{id}/members': {
    path: {
      /** the group chat's id */
      id: string | number
    }
    query: {
      /** the member that the page begins after */
      after?: string
      /** the most that the page holds */
      limit?: number
    }
    answer: MembersAnswer
  }
  /** Add users; the owner may */
  'POST /api/groupchats/{id}/members': {
    path: {
      /** the group chat's id */
      id: string | number
    }
    body: {
      /** the new members */
      userIds: number[]
    }
    answer: GroupAnswer
  }
  /** Remove a member, as the owner may, or leave */
  'DELETE /api/groupchats/{id}/members/{userId}': {
    path: {
      /** the group chat's id */
      id: string | number
      /** the member's id */
      userId: string | number
    }
    answer: undefined
  }
  /** Read a page of messages, the newest last */
  'GET /api/conversations/{id}/messages': {
    path: {
      /** the conversation's id */
      id: string | number
    }
    query: {
      /** the message that the page ends before; not together with after */
      before?: string
      /** the message that the page begins after; not together with before */
      after?: string
      /** the most that the page holds */
      limit?: number
    }
    answer: MessagesAnswer
  }
  /** Send a message */
  'POST /api/conversations/{id}/messages': {
    path: {
      /** the conversation's id */
      id: string | number
    }
    body: {
      /** the text, trimmed */
      content: string
    }
    answer: MessageAnswer
  }
  /** Mark as read up to a message */
  'POST /api/conversations/{id}/read': {
    path: {
      /** the conversation's id */
      id: string | number
    }
    body: {
      /** the newest message that was read */
      messageId: string
    }
    answer: undefined
  }
  /** Tell the other that one is writing */
  'POST /api/conversations/{id}/typing': {
    path: {
      /** the conversation's id */
      id: string | number
    }
    body: Record<string, never>
    answer: undefined
  }
  /** Read a page of messages, the newest last */
  'GET /api/groupchats/{id}/messages': {
    path: {
      /** the group chat's id */
      id: string | number
    }
    query: {
      /** the message that the page ends before; not together with after */
      before?: string
      /** the message that the page begins after; not together with before */
      after?: string
      /** the most that the page holds */
      limit?: number
    }
    answer: MessagesAnswer
  }
  /** Send a message */
  'POST /api/groupchats/{id}/messages': {
    path: {
      /** the group chat's id */
      id: string | number
    }
    body: {
      /** the text, trimmed */
      content: string
    }
    answer: MessageAnswer
  }
  /** Mark as read up to a message */
  'POST /api/groupchats/{id}/read': {
    path: {
      /** the group chat's id */
      id: string | number
    }
    body: {
      /** the newest message that was read */
      messageId: string
    }
    answer: undefined
  }
  /** Tell the others that one is writing */
  'POST /api/groupchats/{id}/typing': {
    path: {
      /** the group chat's id */
      id: string | number
    }
    body: Record<string, never>
    answer: undefined
  }
  /** Read a page of one's friends, in the order of their ids as text */
  'GET /api/friends': {
    query: {
      /** the friend that the page begins after */
      after?: string
      /** the most that the page holds */
      limit?: number
    }
    answer: FriendsAnswer
  }
  /** End a friendship */
  'DELETE /api/friends/{userId}': {
    path: {
      /** the friend's id */
      userId: string | number
    }
    answer: undefined
  }
  /** Ask another user to be friends */
  'POST /api/friends/request': {
    body: {
      /** the other user */
      userId?: number | null
      /** the other user's name, in any case */
      username?: string | null
    }
    answer: FriendAnswer | RequestAnswer
  }
  /** List the open friend requests that one got and sent, the newest first */
  'GET /api/friends/request': {
    answer: RequestsAnswer
  }
  /** Answer a friend request that one got */
  'PUT /api/friends/request/{id}': {
    path: {
      /** the friend request's id */
      id: string | number
    }
    body: {
      action: 'accept' | 'decline'
    }
    answer: FriendAnswer | undefined
  }
  /** Withdraw a friend request that one sent */
  'DELETE /api/friends/request/{id}': {
    path: {
      /** the friend request's id */
      id: string | number
    }
    answer: undefined
  }
  /** Read a page of notifications, the newest first */
  'GET /api/notifications': {
    query: {
      /** true leaves out what was read */
      unread?: boolean
      /** where the page begins: opaque, from links.older */
      before?: string
      /** the most that the page holds */
      limit?: number
    }
    answer: NotificationsAnswer
  }
  /** Mark a notification as read */
  'PUT /api/notifications/{log}/{seq}': {
    path: {
      /** the first half of the notification's id */
      log: string | number
      /** the second half, after the slash */
      seq: string | number
    }
    body: {
      /** true: what was read stays read */
      read: true
    }
    answer: undefined
  }
  /** Mark all notifications as read */
  'POST /api/notifications/read-all': {
    body: Record<string, never>
    answer: undefined
  }
  /** Report which events have arrived, and how fast */
  'POST /api/events/receipts': {
    body: {
      receipts: {
        /** the event's */
        type: string
        /** from createdAt to its arrival, by the server's clock, which heartbeats tell; below 0 counts as 0, above 60,000 as that */
        latencyMs?: number | null
      }[]
    }
    answer: undefined
  }
  /** Tell users an event of another service's own */
  'POST /api/events/emit': {
    body: {
      /** the receiver */
      userId?: number | null
      /** the receivers */
      userIds?: number[] | null
      /** the event's; those of the service itself are refused */
      type: string
      /** any JSON of at most 65,536 bytes without spaces; null unless given */
      data?: unknown | null
    }
    answer: EmitAnswer
  }
  /** Count the streams, and those of one user */
  'GET /api/ops/connections': {
    query: {
      /** whose streams to count too */
      userId?: number
    }
    answer: ConnectionsAnswer
  }
  /** Tell how many events clients have got, and how fast */
  'GET /api/ops/receipts': {
    query: {
      /** how far back, the present minute included */
      minutes?: number
    }
    answer: DeliveryAnswer
  }
}

/** The codes of the service's errors. */
export type ProblemCode =
  | 'already_friends'
  | 'bad_credentials'
  | 'body_too_large'
  | 'conversation_not_found'
  | 'cross_origin'
  | 'declined_recently'
  | 'entry_too_large'
  | 'friend_not_found'
  | 'group_full'
  | 'group_not_found'
  | 'idempotency_mismatch'
  | 'incomplete_body'
  | 'internal'
  | 'invalid_api_key'
  | 'invalid_utf8'
  | 'joined_too_often'
  | 'malformed_json'
  | 'member_not_found'
  | 'message_not_found'
  | 'name_owner_first'
  | 'not_acceptable'
  | 'not_admin'
  | 'not_friends'
  | 'not_owner'
  | 'not_receiver'
  | 'not_sender'
  | 'notification_not_found'
  | 'overloaded'
  | 'rate_limited'
  | 'request_exists'
  | 'request_not_found'
  | 'session_ended'
  | 'slow_mode'
  | 'too_many_attempts'
  | 'too_many_conversations'
  | 'too_many_requests'
  | 'unauthenticated'
  | 'unsupported_media_type'
  | 'user_not_found'
  | 'username_taken'
  | 'validation_failed'
