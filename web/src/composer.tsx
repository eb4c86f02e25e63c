import type { UserRef } from '@tidings/client'
import { SendHorizontal } from 'lucide-react'
import { type FormEvent, type KeyboardEvent, useEffect, useLayoutEffect, useRef, useState } from 'react'
import { useWriting } from './ephemeral'
import { tellWriting } from './history'
import { send } from './outgoing'
import type { Log } from './state/place'

/** The service takes that much. */
const longest = 4000

/** That one writes is told at most this often, ms. */
const writingPace = 3000

/** What was begun in each place, for as long as the tab is open. */
const draft = {
  get: (log: Log) => sessionStorage.getItem(`draft ${log}`) ?? '',
  set: (log: Log, text: string) =>
    text ? sessionStorage.setItem(`draft ${log}`, text) : sessionStorage.removeItem(`draft ${log}`),
}

const finger = matchMedia('(pointer: coarse)')

export function Composer({ log, onSent }: { log: Log; onSent: () => void }) {
  const [text, setText] = useState(() => draft.get(log))
  const field = useRef<HTMLTextAreaElement>(null)
  const told = useRef(0)
  const length = [...text.trim()].length
  const ready = length > 0 && length <= longest

  // On a phone the keyboard would cover what one came to read.
  useEffect(() => {
    if (!finger.matches) field.current?.focus()
  }, [])

  // biome-ignore lint/correctness/useExhaustiveDependencies: the height follows the text
  useLayoutEffect(() => {
    const el = field.current
    if (!el) return
    el.style.height = ''
    if (el.scrollHeight > el.clientHeight) el.style.height = `${el.scrollHeight}px`
  }, [text])

  const write = (now: string) => {
    setText(now)
    draft.set(log, now)
    if (now.trim() && Date.now() - told.current > writingPace) {
      told.current = Date.now()
      tellWriting(log).catch(() => {
        // worth nothing a moment later
      })
    }
  }
  const submit = (e?: FormEvent) => {
    e?.preventDefault()
    if (!ready) return
    send(log, text.trim())
    setText('')
    draft.set(log, '')
    told.current = 0
    onSent()
    field.current?.focus()
  }
  const key = (e: KeyboardEvent) => {
    // Enter ends a line on a touch keyboard, and what an input method is composing everywhere.
    if (e.key === 'Enter' && !e.shiftKey && !e.nativeEvent.isComposing && !finger.matches) submit(e)
  }

  return (
    <form className="composer" onSubmit={submit}>
      <div className="composer-inner">
        <div className="composer-status">
          <Writing log={log} />
          {length > longest - 200 && (
            <span className={length > longest ? 'mistake numbers' : 'numbers'} role="status">
              {length > longest ? `${length - longest} characters too long` : `${longest - length} left`}
            </span>
          )}
        </div>
        <div className="composer-box">
          <textarea
            ref={field}
            rows={1}
            value={text}
            placeholder="Write a message"
            aria-label="Message"
            dir="auto"
            onChange={(e) => write(e.target.value)}
            onKeyDown={key}
          />
          <button type="submit" className="send" aria-label="Send" disabled={!ready}>
            <SendHorizontal size={20} />
          </button>
        </div>
      </div>
    </form>
  )
}

function Writing({ log }: { log: Log }) {
  const who = useWriting(log)
  return (
    <span className="cut" aria-live="polite">
      {who.length > 0 && (
        <>
          <span className="dots" aria-hidden="true">
            <i />
            <i />
            <i />
          </span>
          {sentence(who)}
        </>
      )}
    </span>
  )
}

function sentence([a, b, ...more]: readonly UserRef[]): string {
  if (more.length > 0) return 'Several people are writing…'
  return b ? `${a?.displayName} and ${b.displayName} are writing…` : `${a?.displayName} is writing…`
}
