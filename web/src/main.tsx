import './styles/base.css'
import './styles/ui.css'
import './styles/shell.css'
import { notifyManager, QueryClientProvider } from '@tanstack/react-query'
import { TidingsProvider } from '@tidings/client/react'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { queries, tidings } from './api'
import { App } from './app'

// Components hear of what has changed before the next paint: the events of a message come one after the other, and one
// rendering will do for all that come within a frame. A page that isn't painted is told by the clock.
notifyManager.setScheduler((tell) => {
  const frame = requestAnimationFrame(() => {
    clearTimeout(timer)
    tell()
  })
  const timer = setTimeout(() => {
    cancelAnimationFrame(frame)
    tell()
  }, 100)
})

// A build has replaced the one that this page is of, and its parts are gone: take the new one, but never in a circle.
addEventListener('vite:preloadError', (event) => {
  const last = Number(sessionStorage.getItem('reloaded') ?? 0)
  if (Date.now() - last < 10_000) return
  sessionStorage.setItem('reloaded', String(Date.now()))
  event.preventDefault()
  location.reload()
})

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <TidingsProvider client={tidings}>
        <App />
      </TidingsProvider>
    </QueryClientProvider>
  </StrictMode>,
)
