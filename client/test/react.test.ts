// @vitest-environment happy-dom
import { act, createElement, StrictMode, useEffect } from 'react'
import { createRoot, hydrateRoot, type Root } from 'react-dom/client'
import { renderToString } from 'react-dom/server'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { StreamState } from '../src/index.js'
import {
  type Realtime,
  type RealtimeOptions,
  TidingsProvider,
  useEvent,
  useFetched,
  useRealtimeEvents,
  useStreamState,
  useTidings,
} from '../src/react.js'
import { Browser, Source, sleep, type Tab } from './browser.js'
import { message, refusal } from './service.js'

let browser: Browser
let tab: Tab
let root: Root
let place: HTMLElement

beforeEach(() => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true)
  browser = Browser.make()
  tab = browser.tab({ share: false })
  place = document.createElement('div')
  root = createRoot(place)
})

afterEach(async () => {
  await act(() => root.unmount())
})

const render = (...children: React.ReactElement[]) =>
  act(() =>
    root.render(createElement(StrictMode, null, createElement(TidingsProvider, { client: tab.client }, ...children))),
  )
const ready = (resumed = false) => act(() => Source.last.ready(resumed))
const tell = (n: number) => act(() => Source.last.frame('message', message(n)))

/** A component as the contract has it. */
function Light(props: RealtimeOptions & { seen?: string[]; api?: (r: Realtime) => void }) {
  const realtime = useRealtimeEvents(props)
  const { on, off, isConnected } = realtime
  props.api?.(realtime)
  useEffect(() => {
    const show = (e: { eventId?: string }) => props.seen?.push(e.eventId!)
    on('message', show)
    return () => off('message', show)
  }, [on, off, props.seen])
  return createElement('b', null, isConnected ? 'on' : 'off')
}

describe('useRealtimeEvents', () => {
  it('shows whether it is connected', async () => {
    await render(createElement(Light))
    expect(place.textContent).toBe('off')
    await ready()
    expect(place.textContent).toBe('on')
    await act(() => Source.last.fail())
    expect(place.textContent).toBe('off')
    await act(() => sleep(3000))
    await ready(true)
    expect(place.textContent).toBe('on')
  })

  it('has one connection a page, however many components use it', async () => {
    await render(...Array.from({ length: 7 }, (_, key) => createElement(Light, { key })))
    await ready()
    expect(Source.all).toHaveLength(1)
    expect(place.textContent).toBe('on'.repeat(7))
  })

  it('is safe under StrictMode: one connection, and each event once for each component', async () => {
    const a: string[] = []
    const b: string[] = []
    await render(createElement(Light, { key: 'a', seen: a }), createElement(Light, { key: 'b', seen: b }))
    await ready()
    await tell(1)
    await tell(1)
    await tell(2)
    expect(a).toEqual(['c:1-2/1/1', 'c:1-2/2/1'])
    expect(b).toEqual(a)
    expect(Source.all).toHaveLength(1)
  })

  it('keeps the identity of on and off', async () => {
    const apis: Realtime[] = []
    await render(createElement(Light, { api: (r) => apis.push(r) }))
    await ready()
    expect(new Set(apis.map((r) => r.on)).size).toBe(1)
    expect(new Set(apis.map((r) => r.off)).size).toBe(1)
  })

  it('calls onConnect and onDisconnect of each component, the newest ones', async () => {
    const first = vi.fn()
    const onConnect = vi.fn()
    const onDisconnect = vi.fn()
    await render(createElement(Light, { onConnect: first }))
    await render(createElement(Light, { onConnect, onDisconnect }))
    await ready()
    expect(first).not.toHaveBeenCalled()
    expect(onConnect).toHaveBeenCalledOnce()
    await act(() => Source.last.fail())
    expect(onDisconnect).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ status: 'waiting' }))
  })

  it('calls onConnect of a component that comes when the stream is open', async () => {
    const onConnect = vi.fn()
    await render(createElement(Light, { key: 'a' }))
    await ready()
    await render(createElement(Light, { key: 'a' }), createElement(Light, { key: 'b', onConnect }))
    expect(onConnect).toHaveBeenCalled()
    expect(Source.all).toHaveLength(1)
  })

  it('calls onError: 401 ends it', async () => {
    tab = browser.tab({ share: false, fetch: async () => refusal(401, 'session_ended') })
    const onError = vi.fn()
    await render(createElement(Light, { onError }))
    await act(async () => {
      Source.last.fail(true)
      await sleep(0)
    })
    expect(onError).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code: 'unauthorized', status: 401 }))
    await sleep(600_000)
    expect(Source.all).toHaveLength(1)
  })

  it('takes autoReconnect and reconnectDelay', async () => {
    await render(createElement(Light, { reconnectDelay: 100 }))
    await ready()
    await act(() => Source.last.fail())
    await act(() => sleep(100))
    expect(Source.all).toHaveLength(2)
    await render(createElement(Light, { autoReconnect: false }))
    await act(() => Source.last.fail())
    await act(() => sleep(60_000))
    expect(Source.all).toHaveLength(2)
  })

  it('keeps the stream when the page changes, and closes it when nobody uses it any more', async () => {
    await render(createElement(Light, { key: 'a' }))
    await ready()
    await render()
    await sleep(500)
    await render(createElement(Light, { key: 'b' }))
    await sleep(5000)
    expect(Source.all).toHaveLength(1)
    expect(Source.open).toHaveLength(1)
    await render()
    await sleep(1000)
    expect(Source.open).toHaveLength(0)
    expect(tab.state).toEqual({ status: 'closed', reason: 'stopped' })
  })

  it('leaves no handler behind', async () => {
    const seen: string[] = []
    await render(createElement(Light, { key: 'a', seen }), createElement(Light, { key: 'b' }))
    await ready()
    await render(createElement(Light, { key: 'b' }))
    await tell(1)
    expect(seen).toEqual([])
  })
})

describe('useEvent', () => {
  function Bell(props: { handler: (n: string) => void }) {
    useEvent('message', (e) => props.handler(e.data.message.id))
    return null
  }

  it('opens the stream and calls the newest handler, once', async () => {
    const first = vi.fn()
    const second = vi.fn()
    await render(createElement(Bell, { handler: first }))
    await ready()
    await tell(1)
    await render(createElement(Bell, { handler: second }))
    await tell(2)
    expect(first).toHaveBeenCalledExactlyOnceWith('1')
    expect(second).toHaveBeenCalledExactlyOnceWith('2')
    expect(Source.all).toHaveLength(1)
  })
})

describe('useFetched', () => {
  function List(props: { load: () => void }) {
    useFetched(props.load)
    return null
  }

  it('fetches once the stream is open, and again only when something was missed', async () => {
    const load = vi.fn()
    await render(createElement(List, { load }))
    expect(load).not.toHaveBeenCalled()
    await ready()
    expect(load).toHaveBeenCalledTimes(1)
    await act(() => Source.last.fail())
    await act(() => sleep(3000))
    await ready(true) // resumed: events tell all
    expect(load).toHaveBeenCalledTimes(1)
    await act(() => Source.last.frame('reset', { reason: 'overflow' }, 'p9'))
    expect(load).toHaveBeenCalledTimes(2)
  })

  it('of a component that comes later fetches at once', async () => {
    const load = vi.fn()
    await render(createElement(Light, { key: 'a' }))
    await ready()
    await render(createElement(Light, { key: 'a' }), createElement(List, { key: 'b', load }))
    expect(load).toHaveBeenCalledTimes(1)
  })
})

it('useStreamState tells all of the state', async () => {
  const states: StreamState[] = []
  function Show() {
    states.push(useStreamState())
    return createElement(Light)
  }
  await render(createElement(Show))
  await ready()
  expect(states.at(-1)).toEqual({ status: 'open' })
  await act(() => Source.last.frame('revoked', { reason: 'logout' }))
  expect(states.at(-1)).toEqual({ status: 'closed', reason: 'revoked', detail: 'logout' })
})

describe('a server', () => {
  it('renders without a connection, and keeps nothing of one user for the next', () => {
    vi.stubGlobal('document', undefined)
    const clients: unknown[] = []
    function App() {
      clients.push(useTidings())
      useEvent('message', () => {})
      return createElement('p', null, useStreamState().status, createElement(Light))
    }
    for (let i = 0; i < 2; i++) {
      expect(renderToString(createElement(StrictMode, null, createElement(App)))).toBe('<p>connecting<b>off</b></p>')
    }
    expect(new Set(clients).size).toBe(clients.length)
    expect(Source.all).toHaveLength(0)
  })

  it('is taken over by the browser without a difference', async () => {
    const app = createElement(TidingsProvider, { client: tab.client }, createElement(Light))
    const page = document.createElement('div')
    page.innerHTML = renderToString(app)
    const failed = vi.fn()
    const hydrated = await act(() => hydrateRoot(page, app, { onRecoverableError: failed }))
    await ready()
    expect(page.textContent).toBe('on')
    expect(failed).not.toHaveBeenCalled()
    await act(() => hydrated.unmount())
  })
})

it('without a provider a page has one client', async () => {
  const clients = new Set<unknown>()
  function Use() {
    clients.add(useTidings())
    return null
  }
  await act(() => root.render(createElement(StrictMode, null, createElement(Use), createElement(Use))))
  expect(clients.size).toBe(1)
})
