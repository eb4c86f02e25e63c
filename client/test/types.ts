// What the compiler has to allow and to refuse. `npm run lint` compiles it; nothing runs it.
import { createTidings, type TidingsEvent } from '../src/index.js'

declare module '../src/event.js' {
  interface CustomEvents {
    order_shipped: { order: number }
  }
}

const { events, conversations } = createTidings()

events.on('message', (e) => e.data.message.content.trim())
events.on('order_shipped', (e) => e.data.order.toFixed())
events.on('reset', (e) => e.data.reason === 'expired')
events.on('unheard_of', (e) => {
  const data: unknown = e.data
  return data
})
events.on('*', (e) => {
  if (e.type === 'typing') e.data.user.displayName.trim()
})
export const count = (e: TidingsEvent) => (e.type === 'read' ? e.data.readCount.toFixed() : e.userId.toFixed())

// @ts-expect-error: no such field
events.on('message', (e) => e.data.nope)
// @ts-expect-error: no such reason
events.on('reset', (e) => e.data.reason === 'nope')
// @ts-expect-error: nothing is known of it
events.on('unheard_of', (e) => e.data.x)
// @ts-expect-error: a text is needed
conversations.send('1-2')
