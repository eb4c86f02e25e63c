import { useMutation } from '@tanstack/react-query'
import { TidingsError } from '@tidings/client'
import { type FormEvent, useId, useRef, useState } from 'react'
import { explain, queries, tidings } from './api'
import { Brand } from './brand'
import { session } from './lists'

interface Entry {
  username: string
  password: string
  displayName: string
}

/** Log-in and registration: the page of who is not logged in, whatever its address; it leads on to that address. */
export function Login({ farewell }: { farewell: string }) {
  const [isNew, setNew] = useState(false)
  const form = useRef<HTMLFormElement>(null)
  const enter = useMutation({
    mutationFn: ({ displayName, ...rest }: Entry) =>
      isNew ? tidings.register({ ...rest, ...(displayName && { displayName }) }) : tidings.login(rest),
    onSuccess: (answer) => queries.setQueryData(session.queryKey, answer),
    onError: () => form.current?.querySelector('input')?.focus(),
  })
  const mistakes = enter.error instanceof TidingsError ? enter.error.errors : []
  const mistake = (field: string) => mistakes.find((m) => m.path === field)?.message
  const taken = enter.error instanceof TidingsError && enter.error.code === 'username_taken'

  const submit = (e: FormEvent<HTMLFormElement>) => {
    e.preventDefault()
    const data = new FormData(e.currentTarget)
    const text = (name: string) => String(data.get(name) ?? '')
    enter.mutate({
      username: text('username').trim(),
      password: text('password'),
      displayName: text('displayName').trim(),
    })
  }

  return (
    <main className="welcome">
      <title>{isNew ? 'Register · Tidings' : 'Log in · Tidings'}</title>
      <header>
        <Brand />
        <h1>{isNew ? 'Join Tidings' : 'Welcome to Tidings'}</h1>
        <p className="muted">Messages that are there when they are sent.</p>
      </header>
      {farewell && !enter.error && (
        <p className="notice" role="status">
          {farewell}
        </p>
      )}
      <form ref={form} className="card" onSubmit={submit}>
        <Field
          label="Username"
          name="username"
          autoComplete="username"
          mistake={taken ? 'This name is taken. Try another one.' : mistake('username')}
          hint={isNew ? 'Letters, digits, dots, dashes; at least 3.' : undefined}
          minLength={isNew ? 3 : undefined}
          maxLength={32}
          pattern={isNew ? '[A-Za-z0-9][A-Za-z0-9_.\\-]*' : undefined}
        />
        {isNew && (
          <Field
            label="Name (if you like)"
            name="displayName"
            autoComplete="name"
            mistake={mistake('displayName')}
            hint="What others see."
            maxLength={64}
            optional
          />
        )}
        <Field
          label="Password"
          name="password"
          type="password"
          autoComplete={isNew ? 'new-password' : 'current-password'}
          mistake={mistake('password')}
          hint={isNew ? 'At least 8 characters. A few words make a good one.' : undefined}
          minLength={isNew ? 8 : undefined}
          maxLength={128}
        />
        {enter.error && mistakes.length === 0 && !taken && (
          <p className="mistake" role="alert">
            {explain(enter.error)}
          </p>
        )}
        <button type="submit" className="button primary" disabled={enter.isPending}>
          {isNew ? 'Register' : 'Log in'}
        </button>
      </form>
      <p>
        {isNew ? 'You have an account? ' : 'New here? '}
        <button
          type="button"
          className="link"
          onClick={() => {
            setNew(!isNew)
            enter.reset()
          }}
        >
          {isNew ? 'Log in' : 'Register'}
        </button>
      </p>
    </main>
  )
}

interface FieldProps {
  label: string
  name: string
  type?: string
  autoComplete: string
  mistake: string | undefined
  hint: string | undefined
  minLength?: number | undefined
  maxLength: number
  pattern?: string | undefined
  optional?: boolean
}

function Field({ label, mistake, hint, optional, type = 'text', ...input }: FieldProps) {
  const id = useId()
  const note = mistake ?? hint
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        {...input}
        id={id}
        type={type}
        className="input"
        required={!optional}
        autoCapitalize="none"
        spellCheck={false}
        dir="auto"
        aria-invalid={mistake ? true : undefined}
        aria-describedby={note ? `${id}-note` : undefined}
      />
      {note && (
        <p id={`${id}-note`} className={mistake ? 'mistake' : 'hint'} role={mistake ? 'alert' : undefined}>
          {note}
        </p>
      )}
    </div>
  )
}
