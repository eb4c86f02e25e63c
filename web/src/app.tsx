import { useQuery } from '@tanstack/react-query'
import { useRealtimeEvents, useStreamState } from '@tidings/client/react'
import { reportReceipts } from '@tidings/client/receipts'
import { lazy, Suspense, useCallback, useEffect, useState } from 'react'
import { explain, queries, tidings } from './api'
import { Brand } from './brand'
import { forgetEphemeral } from './ephemeral'
import { session } from './lists'
import { forget, listen } from './live'
import { Login } from './login'
import { followOutbox } from './outgoing'
import { forgetMarks, tellMarks } from './reading'

const loadShell = () => import('./shell')
const Shell = lazy(loadShell)

// Who was here before most likely still is: the rest of the app need not wait for the answer.
const known = 'tidings:known'
if (localStorage.getItem(known)) void loadShell()

/** Tells the other tabs that somebody has logged in, so that they need not be told it twice. */
const logins = new BroadcastChannel('tidings:login')

export function App() {
  const { data, error, refetch } = useQuery(session)
  const [farewell, setFarewell] = useState('')
  const end = useCallback((detail: string | undefined) => setFarewell(leave(detail)), [])

  useEffect(() => {
    const user = data?.user.id
    if (user) {
      setFarewell('')
      localStorage.setItem(known, '1')
      logins.postMessage(user)
    }
    const heard = (e: MessageEvent<number>) => {
      if (!user) void refetch({ cancelRefetch: false })
      else if (e.data !== user) location.reload() // the cookie is somebody else's now
    }
    logins.addEventListener('message', heard)
    return () => logins.removeEventListener('message', heard)
  }, [data, refetch])

  if (data) {
    return (
      <>
        <Live onEnd={end} />
        <Suspense fallback={<Splash />}>
          <Shell />
        </Suspense>
      </>
    )
  }
  if (data === null) return <Login farewell={farewell} />
  if (error) return <Trouble error={error} onRetry={() => void refetch()} />
  return <Splash />
}

/** Holds the stream, and keeps what was fetched in step with it. */
function Live({ onEnd }: { onEnd: (detail: string | undefined) => void }) {
  const { on } = useRealtimeEvents({ onError: (e) => e.code === 'handler' && reportError(e.cause) })
  const state = useStreamState()
  useEffect(() => listen(on), [on])
  useEffect(followOutbox, [])
  useEffect(() => reportReceipts(tidings, { sample: 0.1 }), [])
  useEffect(() => {
    // Rendered before the stream was opened, it is the end of the last session.
    if (state.status !== 'closed' || state !== tidings.events.state) return
    if (state.reason === 'unauthorized' || state.reason === 'revoked') onEnd(state.detail)
    if (state.reason === 'other_user') location.reload()
  }, [state, onEnd])
  useEffect(() => {
    const hidden = () => document.visibilityState === 'hidden' && tellMarks()
    document.addEventListener('visibilitychange', hidden)
    return () => document.removeEventListener('visibilitychange', hidden)
  }, [])
  return null
}

/** Forgets everything of the user, shows the log-in, and says why it is there. */
function leave(detail: string | undefined): string {
  localStorage.removeItem(known)
  forget()
  forgetEphemeral()
  forgetMarks()
  queries.setQueryData(session.queryKey, null)
  return detail === 'logout' ? 'You are logged out.' : 'Your session has ended. Log in to go on.'
}

const Splash = () => (
  <div className="splash" role="status" aria-label="Loading">
    <Brand />
  </div>
)

function Trouble({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  return (
    <main className="welcome">
      <div className="empty" role="alert">
        <h1>Tidings can’t be reached</h1>
        <p>{explain(error)}</p>
        <button type="button" className="button primary" onClick={onRetry}>
          Try again
        </button>
      </div>
    </main>
  )
}
