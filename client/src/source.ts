/** What a source tells: frames, and once its end. */
export interface Listener {
  frame(name: string, data: string, id: string): void
  /**
   * The connection has broken, or was refused: with the status where it is known,
   * with 0 where the browser hides it.
   */
  end(status?: number): void
}

/** Opens a stream; what it returns closes it, after which nothing is told any more. */
export type Source = (url: string, to: Listener) => () => void

/** Names of the SSE events: the browser's EventSource only tells those one asks for. */
const names = ['message', 'ready', 'heartbeat', 'reset', 'reconnect', 'revoked']

const CLOSED = 2 // EventSource.CLOSED, which fakes and polyfills may lack

export function eventSource(make: typeof EventSource): Source {
  return (url, to) => {
    const source = new make(url, { withCredentials: true })
    for (const name of names) {
      source.addEventListener(name, (e) => to.frame(name, e.data, e.lastEventId))
    }
    source.onerror = () => {
      // It would connect again by itself, without jitter; when to is decided elsewhere.
      const refused = source.readyState === CLOSED
      source.close()
      to.end(refused ? 0 : undefined)
    }
    return () => source.close()
  }
}

/** Streams by fetch, which can send headers: for Bearer tokens, and where there is no EventSource. */
export function fetchSource(fetch: typeof globalThis.fetch, headers: () => Promise<HeadersInit>): Source {
  return (url, to) => {
    const abort = new AbortController()
    const read = async () => {
      const answer = await fetch(url, {
        headers: { Accept: 'text/event-stream', ...(await headers()) },
        credentials: 'omit',
        signal: abort.signal,
      })
      if (answer.status !== 200 || !answer.body) return to.end(answer.status)
      const parse = parser(to.frame)
      const text = new TextDecoder()
      const reader = answer.body.getReader()
      for (;;) {
        const { done, value } = await reader.read()
        if (abort.signal.aborted) return
        if (done) return to.end()
        parse(text.decode(value, { stream: true }))
      }
    }
    read().catch(() => abort.signal.aborted || to.end())
    return () => abort.abort()
  }
}

/** Reads server-sent events (HTML, section 9.2.6) from text that comes in pieces. */
export function parser(frame: Listener['frame']): (chunk: string) => void {
  let rest = ''
  let name = ''
  let id = ''
  let nextId = ''
  let data: string[] = []
  return (chunk) => {
    rest += chunk
    // A CR at the end may be half of a CRLF: it waits for what follows.
    const lines = rest.split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop()!
    for (const line of lines) {
      const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line)!
      if (!line) {
        id = nextId
        if (data.length) frame(name || 'message', data.join('\n'), id)
        name = ''
        data = []
      } else if (field === 'event') name = value
      else if (field === 'data') data.push(value)
      else if (field === 'id' && !value.includes('\0')) nextId = value
    }
  }
}
