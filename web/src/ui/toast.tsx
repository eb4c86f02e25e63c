import { X } from 'lucide-react'
import { watched } from '../watched'

interface Toast {
  id: number
  text: string
}

const toasts = watched<readonly Toast[]>([])
let last = 0

/** How long a toast stays, ms. */
const stays = 10_000

/**
 * Says what went wrong with something that has no place of its own for it; a screen reader says it when it has finished
 * its sentence. Not for dialogs, which hide all else from it.
 */
export function say(text: string) {
  const toast = { id: ++last, text }
  toasts.set([...toasts.get().filter((t) => t.text !== text), toast].slice(-3))
  setTimeout(() => dismiss(toast.id), stays)
}

const dismiss = (id: number) => toasts.set(toasts.get().filter((t) => t.id !== id))

export function Toasts() {
  const all = toasts.use((t) => t)
  return (
    <div className="toasts" role="status">
      {all.map((t) => (
        <div key={t.id} className="toast">
          <p>{t.text}</p>
          <button type="button" className="icon-button" aria-label="Dismiss" onClick={() => dismiss(t.id)}>
            <X size={18} />
          </button>
        </div>
      ))}
    </div>
  )
}
