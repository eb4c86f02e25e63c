import './styles/messages.css'
import { useQuery } from '@tanstack/react-query'
import { lazy, Suspense } from 'react'
import { Redirect, Route, Switch, useLocation, useRoute } from 'wouter'
import { explain } from './api'
import { short } from './count'
import { lists, useLists } from './lists'
import { Messages } from './messages'
import { Nothing } from './nothing'
import { People } from './people'
import { Rail } from './rail'
import { Sidebar } from './sidebar'
import type { Log } from './state/place'
import { unreadTotal } from './state/view'
import { Toasts } from './ui/toast'

const Ops = lazy(() => import('./ops/ops'))

/** The app of who is logged in. */
export default function Shell() {
  const { data, error, refetch } = useQuery({ ...lists, select: (s) => s.me })
  const [path] = useLocation()
  const place = usePlace()
  if (error && !data) {
    return (
      <main className="welcome">
        <div className="empty" role="alert">
          <h1>Your chats can’t be loaded</h1>
          <p>{explain(error)}</p>
          <button type="button" className="button primary" onClick={() => void refetch()}>
            Try again
          </button>
        </div>
      </main>
    )
  }
  const at = place ? 'at-place' : path === '/' ? 'at-list' : 'at-page'
  return (
    <div className={`shell ${at} ${path === '/ops' ? 'wide' : ''}`}>
      {data ? <Loaded place={place} /> : <Loading />}
      <Toasts />
    </div>
  )
}

/** The place that the address names. */
function usePlace(): Log | undefined {
  const [, params] = useRoute<{ kind: string; id: string }>('/:kind/:id')
  if (!params || (params.kind !== 'c' && params.kind !== 'g')) return undefined
  return `${params.kind}:${params.id}`
}

function Loaded({ place }: { place: Log | undefined }) {
  return (
    <>
      <Title />
      <a className="visually-hidden button" href="#main">
        Skip to the page
      </a>
      <Rail />
      <Sidebar current={place} />
      <main className="main" id="main" tabIndex={-1}>
        <Suspense fallback={null}>
          {place ? (
            <Messages key={place} log={place} />
          ) : (
            <Switch>
              <Route path="/" component={Nothing} />
              <Route path="/people" component={People} />
              <Route path="/ops" component={Ops} />
              <Route>
                <Redirect to="/" replace />
              </Route>
            </Switch>
          )}
        </Suspense>
      </main>
    </>
  )
}

/** What the page's title begins with, for the tab of who is elsewhere. */
function Title() {
  const unread = useLists(unreadTotal)
  const name = useLists((s) => s.me.displayName)
  return <title>{`${unread ? `(${short(unread)}) ` : ''}${name} · Tidings`}</title>
}

/** The frame, in its place while the lists come. */
function Loading() {
  return (
    <>
      <div className="rail" />
      <div className="list" role="status" aria-label="Loading your chats">
        <div className="bar" />
        <div className="list-tools">
          <div className="skeleton input" />
        </div>
        <div className="places">
          {[1, 2, 3, 4, 5].map((n) => (
            <div key={n} className="place">
              <span className="avatar skeleton" />
              <span className="name skeleton line" />
              <span className="preview skeleton line" />
            </div>
          ))}
        </div>
      </div>
      <div className="main" />
    </>
  )
}
