import { Menu as Base } from '@base-ui/react/menu'
import { type ReactNode, useState } from 'react'

interface Props {
  /** What the button says to who can't see it. */
  label: string
  title?: string
  icon: ReactNode
  side?: 'top' | 'bottom'
  align?: 'start' | 'end'
  children: ReactNode
}

/** A button with a menu. */
export function Menu({ label, title, icon, side = 'bottom', align = 'end', children }: Props) {
  const [trigger, setTrigger] = useState<HTMLElement | null>(null)
  return (
    <Base.Root>
      <Base.Trigger ref={setTrigger} className="icon-button" aria-label={label} title={title}>
        {icon}
      </Base.Trigger>
      {/* In the landmark of its button: there a screen reader expects it. */}
      <Base.Portal container={trigger?.closest<HTMLElement>('main, nav') ?? undefined}>
        <Base.Positioner
          className="above"
          positionMethod="fixed"
          side={side}
          align={align}
          sideOffset={6}
          collisionPadding={8}
        >
          <Base.Popup className="popup">{children}</Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  )
}

interface ItemProps {
  icon: ReactNode
  danger?: boolean
  onClick: () => void
  children: ReactNode
}

export function MenuItem({ icon, danger, onClick, children }: ItemProps) {
  return (
    <Base.Item className={`menu-item ${danger ? 'danger' : ''}`} onClick={onClick}>
      {icon}
      {children}
    </Base.Item>
  )
}
