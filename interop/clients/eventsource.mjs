// The npm package eventsource: the browsers' EventSource for Node. It logs in by the cookie.
import { EventSource } from 'eventsource'

const { TIDINGS_EVENTS, TIDINGS_TOKEN } = process.env

const source = new EventSource(TIDINGS_EVENTS, {
  fetch: (url, init) =>
    fetch(url, { ...init, headers: { ...init.headers, Cookie: `tidings.session=${TIDINGS_TOKEN}` } }),
})
for (const type of ['message', 'ready', 'reset', 'reconnect', 'revoked']) {
  source.addEventListener(type, (e) => {
    console.log(JSON.stringify({ id: e.lastEventId, event: e.type, data: e.data }))
  })
}
source.addEventListener('error', (e) => {
  if (source.readyState === EventSource.CLOSED) throw new Error(`eventsource gave up: ${e.code} ${e.message}`)
})
process.stdin.resume().once('end', () => source.close())
