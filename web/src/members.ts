import { queryOptions } from '@tanstack/react-query'
import type { MembersAnswer } from '@tidings/client'
import { queries, tidings } from './api'
import { joined } from './live'
import { applyToMembers, type Members, withPage } from './state/members'

/** The members of a group chat, page by page. */
export const members = (id: string) => {
  const apply = applyToMembers(id)
  return queryOptions({
    queryKey: ['members', id],
    queryFn: () =>
      joined(
        async () => withPage({ members: [], next: undefined }, await tidings.groupChats.members(id, { limit: 100 })),
        apply,
      ),
    meta: { apply },
  })
}

/** Fetches the next page. */
export async function loadMoreMembers(id: string) {
  const { queryKey } = members(id)
  const next = queries.getQueryData<Members>(queryKey)?.next
  if (!next) return
  const page = await tidings.follow<MembersAnswer>(next)
  queries.setQueryData<Members>(queryKey, (m) => (m?.next === next ? withPage(m, page) : m))
}
