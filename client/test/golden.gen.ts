// Made from docs/ and the golden files: npm run generate

import type { Notification, TidingsEvent } from '../src/index.js'

// The compiler holds what the service really sends to the types.
export const events = [
  {
    userId: 1,
    type: 'conversation_update',
    data: {
      conversation: {
        id: '1-2',
        seq: 1,
        members: [
          {
            id: 1,
            username: 'alice',
            displayName: 'Alice',
          },
          {
            id: 2,
            username: 'bob',
            displayName: 'Bob',
          },
        ],
        lastMessage: null,
        messageCount: 0,
        updatedAt: '2023-11-14T22:13:20.000Z',
      },
      change: 'created',
    },
    eventId: 'c:1-2/1/3',
  },
  {
    userId: 2,
    type: 'conversation_update',
    data: {
      conversation: {
        id: '1-2',
        seq: 1,
        members: [
          {
            id: 1,
            username: 'alice',
            displayName: 'Alice',
          },
          {
            id: 2,
            username: 'bob',
            displayName: 'Bob',
          },
        ],
        lastMessage: null,
        messageCount: 0,
        updatedAt: '2023-11-14T22:13:20.000Z',
      },
      change: 'created',
    },
    eventId: 'c:1-2/1/3',
  },
  {
    userId: 1,
    type: 'group_update',
    data: {
      groupChat: {
        id: '01890a5d-ac96-774b-bcce-b302099a8057',
        seq: 9,
        name: 'Climbers',
        ownerId: 1,
        memberCount: 2,
        messageCount: 3,
        updatedAt: '2023-11-14T22:13:20.000Z',
      },
      change: 'deleted',
    },
    eventId: 'g:01890a5d-ac96-774b-bcce-b302099a8057/9/3',
  },
  {
    userId: 2,
    type: 'group_update',
    data: {
      groupChat: {
        id: '01890a5d-ac96-774b-bcce-b302099a8057',
        seq: 9,
        name: 'Climbers',
        ownerId: 1,
        memberCount: 2,
        messageCount: 3,
        updatedAt: '2023-11-14T22:13:20.000Z',
      },
      change: 'deleted',
    },
    eventId: 'g:01890a5d-ac96-774b-bcce-b302099a8057/9/3',
  },
  {
    userId: 1,
    type: 'notification',
    data: {
      id: 'u:1/7',
      seq: 7,
      kind: 'friend_accepted',
      actor: {
        id: 2,
        username: 'bob',
        displayName: 'Bob',
      },
      requestId: '1-2',
      preview: '',
      createdAt: '2023-11-14T22:13:20.000Z',
      read: false,
    },
    eventId: 'u:1/7/2',
  },
  {
    userId: 2,
    type: 'notification',
    data: {
      id: 'u:1/7',
      seq: 7,
      kind: 'friend_accepted',
      actor: {
        id: 2,
        username: 'bob',
        displayName: 'Bob',
      },
      requestId: '1-2',
      preview: '',
      createdAt: '2023-11-14T22:13:20.000Z',
      read: false,
    },
    eventId: 'u:1/7/2',
  },
  {
    userId: 1,
    type: 'notification',
    data: {
      id: 'u:2/5',
      seq: 5,
      kind: 'friend_request',
      actor: {
        id: 1,
        username: 'alice',
        displayName: 'Alice',
      },
      requestId: '1-2',
      preview: '',
      createdAt: '2023-11-14T22:13:20.000Z',
      read: false,
    },
    eventId: 'u:2/5/2',
  },
  {
    userId: 2,
    type: 'notification',
    data: {
      id: 'u:2/5',
      seq: 5,
      kind: 'friend_request',
      actor: {
        id: 1,
        username: 'alice',
        displayName: 'Alice',
      },
      requestId: '1-2',
      preview: '',
      createdAt: '2023-11-14T22:13:20.000Z',
      read: false,
    },
    eventId: 'u:2/5/2',
  },
  {
    userId: 1,
    type: 'friends_changed',
    data: {
      seq: 6,
      change: 'accepted',
      user: {
        id: 1,
        username: 'alice',
        displayName: 'Alice',
      },
      requestId: '1-2',
      createdAt: '2023-11-14T22:13:20.000Z',
    },
    eventId: 'u:2/6/3',
  },
  {
    userId: 2,
    type: 'friends_changed',
    data: {
      seq: 6,
      change: 'accepted',
      user: {
        id: 1,
        username: 'alice',
        displayName: 'Alice',
      },
      requestId: '1-2',
      createdAt: '2023-11-14T22:13:20.000Z',
    },
    eventId: 'u:2/6/3',
  },
  {
    userId: 1,
    type: 'group_update',
    data: {
      groupChat: {
        id: '01890a5d-ac96-774b-bcce-b302099a8057',
        seq: 1,
        name: 'Climbers',
        ownerId: 1,
        memberCount: 2,
        messageCount: 0,
        updatedAt: '2023-11-14T22:13:20.000Z',
      },
      change: 'created',
      members: [
        {
          id: 1,
          username: 'alice',
          displayName: 'Alice',
        },
        {
          id: 2,
          username: 'bob',
          displayName: 'Bob',
        },
      ],
    },
    eventId: 'g:01890a5d-ac96-774b-bcce-b302099a8057/1/3',
  },
  {
    userId: 2,
    type: 'group_update',
    data: {
      groupChat: {
        id: '01890a5d-ac96-774b-bcce-b302099a8057',
        seq: 1,
        name: 'Climbers',
        ownerId: 1,
        memberCount: 2,
        messageCount: 0,
        updatedAt: '2023-11-14T22:13:20.000Z',
      },
      change: 'created',
      members: [
        {
          id: 1,
          username: 'alice',
          displayName: 'Alice',
        },
        {
          id: 2,
          username: 'bob',
          displayName: 'Bob',
        },
      ],
    },
    eventId: 'g:01890a5d-ac96-774b-bcce-b302099a8057/1/3',
  },
  {
    userId: 1,
    type: 'group_update',
    data: {
      groupChat: {
        id: '01890a5d-ac96-774b-bcce-b302099a8057',
        seq: 17,
        name: 'Climbers',
        ownerId: 1,
        memberCount: 2,
        lastMessage: {
          id: '17',
          seq: 17,
          sender: {
            id: 1,
            username: 'alice',
            displayName: 'Alice',
          },
          preview: 'hi',
          createdAt: '2023-11-14T22:13:20.123Z',
        },
        messageCount: 9,
        updatedAt: '2023-11-14T22:13:20.123Z',
      },
      change: 'message',
      message: {
        id: '17',
        seq: 17,
        sender: {
          id: 1,
          username: 'alice',
          displayName: 'Alice',
        },
        content: 'hi',
        createdAt: '2023-11-14T22:13:20.123Z',
      },
    },
    eventId: 'g:01890a5d-ac96-774b-bcce-b302099a8057/17/3',
  },
  {
    userId: 2,
    type: 'message',
    data: {
      groupChatId: '01890a5d-ac96-774b-bcce-b302099a8057',
      message: {
        id: '17',
        seq: 17,
        sender: {
          id: 1,
          username: 'alice',
          displayName: 'Alice',
        },
        content: 'hi',
        createdAt: '2023-11-14T22:13:20.123Z',
      },
    },
    eventId: 'g:01890a5d-ac96-774b-bcce-b302099a8057/17/1',
  },
  {
    userId: 2,
    type: 'notification',
    data: {
      id: 'g:01890a5d-ac96-774b-bcce-b302099a8057/17',
      seq: 17,
      kind: 'group_message',
      actor: {
        id: 1,
        username: 'alice',
        displayName: 'Alice',
      },
      groupChatId: '01890a5d-ac96-774b-bcce-b302099a8057',
      messageId: '17',
      preview: 'hi',
      createdAt: '2023-11-14T22:13:20.123Z',
      read: false,
    },
    eventId: 'g:01890a5d-ac96-774b-bcce-b302099a8057/17/2',
  },
  {
    userId: 2,
    type: 'group_update',
    data: {
      groupChat: {
        id: '01890a5d-ac96-774b-bcce-b302099a8057',
        seq: 17,
        name: 'Climbers',
        ownerId: 1,
        memberCount: 2,
        lastMessage: {
          id: '17',
          seq: 17,
          sender: {
            id: 1,
            username: 'alice',
            displayName: 'Alice',
          },
          preview: 'hi',
          createdAt: '2023-11-14T22:13:20.123Z',
        },
        messageCount: 9,
        updatedAt: '2023-11-14T22:13:20.123Z',
      },
      change: 'message',
    },
    eventId: 'g:01890a5d-ac96-774b-bcce-b302099a8057/17/3',
  },
  {
    userId: 1,
    type: 'group_update',
    data: {
      groupChat: {
        id: '01890a5d-ac96-774b-bcce-b302099a8057',
        seq: 6,
        name: 'Climbers',
        ownerId: 1,
        memberCount: 2,
        messageCount: 3,
        updatedAt: '2023-11-14T22:13:20.000Z',
      },
      change: 'member_removed',
      member: {
        id: 2,
        username: 'bob',
        displayName: 'Bob',
      },
    },
    eventId: 'g:01890a5d-ac96-774b-bcce-b302099a8057/6/3',
  },
  {
    userId: 2,
    type: 'group_update',
    data: {
      groupChat: {
        id: '01890a5d-ac96-774b-bcce-b302099a8057',
        seq: 6,
        name: 'Climbers',
        ownerId: 1,
        memberCount: 2,
        messageCount: 3,
        updatedAt: '2023-11-14T22:13:20.000Z',
      },
      change: 'member_removed',
      member: {
        id: 2,
        username: 'bob',
        displayName: 'Bob',
      },
    },
    eventId: 'g:01890a5d-ac96-774b-bcce-b302099a8057/6/3',
  },
  {
    userId: 1,
    type: 'group_update',
    data: {
      groupChat: {
        id: '01890a5d-ac96-774b-bcce-b302099a8057',
        seq: 5,
        name: 'Climbers',
        ownerId: 1,
        memberCount: 2,
        messageCount: 3,
        updatedAt: '2023-11-14T22:13:20.000Z',
      },
      change: 'members_added',
      members: [
        {
          id: 2,
          username: 'bob',
          displayName: 'Bob',
        },
      ],
    },
    eventId: 'g:01890a5d-ac96-774b-bcce-b302099a8057/5/3',
  },
  {
    userId: 2,
    type: 'group_update',
    data: {
      groupChat: {
        id: '01890a5d-ac96-774b-bcce-b302099a8057',
        seq: 5,
        name: 'Climbers',
        ownerId: 1,
        memberCount: 2,
        messageCount: 3,
        updatedAt: '2023-11-14T22:13:20.000Z',
      },
      change: 'members_added',
      members: [
        {
          id: 2,
          username: 'bob',
          displayName: 'Bob',
        },
      ],
    },
    eventId: 'g:01890a5d-ac96-774b-bcce-b302099a8057/5/3',
  },
  {
    userId: 1,
    type: 'conversation_update',
    data: {
      conversation: {
        id: '1-2',
        seq: 17,
        members: [
          {
            id: 1,
            username: 'alice',
            displayName: 'Alice',
          },
          {
            id: 2,
            username: 'bob',
            displayName: 'Bob',
          },
        ],
        lastMessage: {
          id: '17',
          seq: 17,
          sender: {
            id: 1,
            username: 'alice',
            displayName: 'Alice',
          },
          preview: 'héllo <b>\n',
          createdAt: '2023-11-14T22:13:20.123Z',
        },
        messageCount: 9,
        updatedAt: '2023-11-14T22:13:20.123Z',
      },
      change: 'message',
      message: {
        id: '17',
        seq: 17,
        sender: {
          id: 1,
          username: 'alice',
          displayName: 'Alice',
        },
        content: 'héllo <b>\n',
        createdAt: '2023-11-14T22:13:20.123Z',
      },
    },
    eventId: 'c:1-2/17/3',
  },
  {
    userId: 2,
    type: 'message',
    data: {
      conversationId: '1-2',
      message: {
        id: '17',
        seq: 17,
        sender: {
          id: 1,
          username: 'alice',
          displayName: 'Alice',
        },
        content: 'héllo <b>\n',
        createdAt: '2023-11-14T22:13:20.123Z',
      },
    },
    eventId: 'c:1-2/17/1',
  },
  {
    userId: 2,
    type: 'notification',
    data: {
      id: 'c:1-2/17',
      seq: 17,
      kind: 'message',
      actor: {
        id: 1,
        username: 'alice',
        displayName: 'Alice',
      },
      conversationId: '1-2',
      messageId: '17',
      preview: 'héllo <b>\n',
      createdAt: '2023-11-14T22:13:20.123Z',
      read: false,
    },
    eventId: 'c:1-2/17/2',
  },
  {
    userId: 2,
    type: 'conversation_update',
    data: {
      conversation: {
        id: '1-2',
        seq: 17,
        members: [
          {
            id: 1,
            username: 'alice',
            displayName: 'Alice',
          },
          {
            id: 2,
            username: 'bob',
            displayName: 'Bob',
          },
        ],
        lastMessage: {
          id: '17',
          seq: 17,
          sender: {
            id: 1,
            username: 'alice',
            displayName: 'Alice',
          },
          preview: 'héllo <b>\n',
          createdAt: '2023-11-14T22:13:20.123Z',
        },
        messageCount: 9,
        updatedAt: '2023-11-14T22:13:20.123Z',
      },
      change: 'message',
    },
    eventId: 'c:1-2/17/3',
  },
  {
    userId: 1,
    type: 'notification_read',
    data: {
      seq: 9,
      ids: ['u:1/7'],
    },
    eventId: 'u:1/9/1',
  },
  {
    userId: 2,
    type: 'notification_read',
    data: {
      seq: 9,
      ids: ['u:1/7'],
    },
    eventId: 'u:1/9/1',
  },
  {
    userId: 1,
    type: 'notification_read',
    data: {
      seq: 9,
      all: true,
      reads: [
        {
          conversationId: '1-2',
          messageId: '17',
          readCount: 9,
        },
        {
          groupChatId: 'x',
          messageId: '4',
          readCount: 2,
        },
      ],
    },
    eventId: 'u:1/9/1',
  },
  {
    userId: 2,
    type: 'notification_read',
    data: {
      seq: 9,
      all: true,
      reads: [
        {
          conversationId: '1-2',
          messageId: '17',
          readCount: 9,
        },
        {
          groupChatId: 'x',
          messageId: '4',
          readCount: 2,
        },
      ],
    },
    eventId: 'u:1/9/1',
  },
  {
    userId: 1,
    type: 'group_update',
    data: {
      groupChat: {
        id: '01890a5d-ac96-774b-bcce-b302099a8057',
        seq: 8,
        name: 'Climbers',
        ownerId: 1,
        memberCount: 2,
        messageCount: 3,
        updatedAt: '2023-11-14T22:13:20.000Z',
      },
      change: 'owner_changed',
    },
    eventId: 'g:01890a5d-ac96-774b-bcce-b302099a8057/8/3',
  },
  {
    userId: 2,
    type: 'group_update',
    data: {
      groupChat: {
        id: '01890a5d-ac96-774b-bcce-b302099a8057',
        seq: 8,
        name: 'Climbers',
        ownerId: 1,
        memberCount: 2,
        messageCount: 3,
        updatedAt: '2023-11-14T22:13:20.000Z',
      },
      change: 'owner_changed',
    },
    eventId: 'g:01890a5d-ac96-774b-bcce-b302099a8057/8/3',
  },
  {
    userId: 1,
    type: 'read',
    data: {
      seq: 4,
      conversationId: '1-2',
      messageId: '17',
      readCount: 9,
    },
    eventId: 'u:1/4/1',
  },
  {
    userId: 2,
    type: 'read',
    data: {
      seq: 4,
      conversationId: '1-2',
      messageId: '17',
      readCount: 9,
    },
    eventId: 'u:1/4/1',
  },
  {
    userId: 1,
    type: 'group_update',
    data: {
      groupChat: {
        id: '01890a5d-ac96-774b-bcce-b302099a8057',
        seq: 7,
        name: 'Climbers',
        ownerId: 1,
        memberCount: 2,
        messageCount: 3,
        updatedAt: '2023-11-14T22:13:20.000Z',
      },
      change: 'renamed',
    },
    eventId: 'g:01890a5d-ac96-774b-bcce-b302099a8057/7/3',
  },
  {
    userId: 2,
    type: 'group_update',
    data: {
      groupChat: {
        id: '01890a5d-ac96-774b-bcce-b302099a8057',
        seq: 7,
        name: 'Climbers',
        ownerId: 1,
        memberCount: 2,
        messageCount: 3,
        updatedAt: '2023-11-14T22:13:20.000Z',
      },
      change: 'renamed',
    },
    eventId: 'g:01890a5d-ac96-774b-bcce-b302099a8057/7/3',
  },
  {
    userId: 1,
    type: 'friends_changed',
    data: {
      seq: 8,
      change: 'unfriended',
      user: {
        id: 1,
        username: 'alice',
        displayName: 'Alice',
      },
      createdAt: '2023-11-14T22:13:20.000Z',
    },
    eventId: 'u:2/8/3',
  },
  {
    userId: 2,
    type: 'friends_changed',
    data: {
      seq: 8,
      change: 'unfriended',
      user: {
        id: 1,
        username: 'alice',
        displayName: 'Alice',
      },
      createdAt: '2023-11-14T22:13:20.000Z',
    },
    eventId: 'u:2/8/3',
  },
] satisfies TidingsEvent[]

export const notification = {
  id: 'u:1/3',
  seq: 3,
  kind: 'custom',
  type: 'order_shipped',
  data: {
    order: 7,
  },
  preview: '',
  createdAt: '2023-11-14T22:13:20.000Z',
  read: false,
} satisfies Notification
