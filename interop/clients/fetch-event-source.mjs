// The npm package @microsoft/fetch-event-source, which is made for browsers: it wants a window and a document.
import { fetchEventSource } from '@microsoft/fetch-event-source'

const { TIDINGS_EVENTS, TIDINGS_TOKEN } = process.env

globalThis.window = globalThis
globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} }

// The package moves its position when it has read an "id:" line, not when the block ends: a connection that is cut in
// between would lose that event. So the position of what was handed over is kept here, and put in its place.
let position = ''

const stop = new AbortController()
process.stdin.resume().once('end', () => stop.abort())

await fetchEventSource(TIDINGS_EVENTS, {
  headers: { Authorization: `Bearer ${TIDINGS_TOKEN}` },
  signal: stop.signal,
  openWhenHidden: true,
  fetch(url, init) {
    const { 'last-event-id': _, ...headers } = init.headers
    return fetch(url, { ...init, headers: position ? { ...headers, 'last-event-id': position } : headers })
  },
  onmessage({ id, event, data }) {
    if (id) position = id
    console.log(JSON.stringify({ id, event: event || 'message', data }))
  },
  onclose() {
    throw new Error('closed') // else it would not come back after an orderly end
  },
})
