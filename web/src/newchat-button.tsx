import { SquarePen } from 'lucide-react'
import { lazy, type ReactNode, Suspense, useState } from 'react'

const NewChat = lazy(() => import('./newchat'))

/** A button that opens the dialog for a new chat, and the dialog, whose code is fetched when it is wanted. */
export function useNewChat(): { button: (label?: string) => ReactNode; dialog: ReactNode } {
  const [open, setOpen] = useState(false)
  return {
    button: (label) =>
      label ? (
        <button type="button" className="button primary" onClick={() => setOpen(true)}>
          <SquarePen size={18} />
          {label}
        </button>
      ) : (
        <button type="button" className="icon-button" aria-label="New chat" onClick={() => setOpen(true)}>
          <SquarePen size={20} />
        </button>
      ),
    dialog: open && (
      <Suspense fallback={null}>
        <NewChat onClose={() => setOpen(false)} />
      </Suspense>
    ),
  }
}
