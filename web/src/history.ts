import { queryOptions } from '@tanstack/react-query'
import type { MessagesAnswer } from '@tidings/client'
import { type Apply, queries, tidings } from './api'
import { lists } from './lists'
import { dispatch, joined } from './live'
import type { AppEvent } from './state/apply'
import { fromPage, type History, rejoined, withMessage, withOlder } from './state/history'
import { type Log, logOf } from './state/place'
import { unreadOf } from './state/view'

/** What a page holds, unless more is unread; the service gives 100 at most. */
const pageSize = 50
const largestPage = 100

/** The calls that a conversation and a group chat have in common. */
const area = (log: Log) => (log.startsWith('g:') ? tidings.groupChats : tidings.conversations)

export const idOf = (log: Log) => log.slice(2)

const fetchMessages = (log: Log, limit: number, before?: string): Promise<MessagesAnswer> =>
  area(log).messages(idOf(log), { limit, ...(before && { before }) })

/** The newest page: with all that is unread, so that one can begin there, and a little before. */
function fetchNewest(log: Log): Promise<MessagesAnswer> {
  const state = queries.getQueryData(lists.queryKey)
  const place = state?.places.get(log)
  const unread = state && place ? unreadOf(state, place) : 0
  return fetchMessages(log, Math.min(largestPage, Math.max(pageSize, unread + 10)))
}

export const sendMessage = (log: Log, content: string) => area(log).send(idOf(log), content)
export const tellWriting = (log: Log) => area(log).typing(idOf(log))
export const postRead = (log: Log, seq: number) => area(log).read(idOf(log), String(seq))

/** What an event makes of the messages of a place. Others' come as `message`, one's own with the update of the place. */
export function applyTo(log: Log): Apply<History> {
  return (h: History, e: AppEvent) => {
    switch (e.type) {
      case 'message':
        return logOf(e.data) === log ? withMessage(h, e.data.message) : h
      case 'conversation_update':
        return e.data.message && log === `c:${e.data.conversation.id}` ? withMessage(h, e.data.message) : h
      case 'group_update':
        return e.data.message && log === `g:${e.data.groupChat.id}` ? withMessage(h, e.data.message) : h
      default:
        return h
    }
  }
}

/** The messages of a place, the newest page first. */
export const history = (log: Log) => {
  const apply = applyTo(log)
  const queryKey = ['history', log]
  return queryOptions({
    queryKey,
    queryFn: () =>
      joined(async () => rejoined(queries.getQueryData<History>(queryKey), fromPage(await fetchNewest(log))), apply),
    meta: { apply },
  })
}

/** Fetches the page before those that are held. */
export async function loadOlder(log: Log) {
  const { queryKey } = history(log)
  const first = queries.getQueryData<History>(queryKey)?.messages[0]
  if (!first) return
  const page = await fetchMessages(log, pageSize, first.id)
  queries.setQueryData<History>(queryKey, (h) => h && withOlder(h, page))
}

/** Puts a message of one's own among the others, as its event will, or has done. */
export function addOwn(log: Log, message: MessagesAnswer['messages'][number]) {
  const at = log.startsWith('g:') ? { groupChatId: idOf(log) } : { conversationId: idOf(log) }
  dispatch({ type: 'message', data: { ...at, message } })
}
