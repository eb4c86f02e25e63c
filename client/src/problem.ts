import type { FieldError, ProblemCode } from './schema.gen.js'

/** What goes wrong on this side of the wire. */
export type ClientCode =
  /** No answer: offline, a time-out, DNS, CORS. */
  | 'network'
  /** An answer that isn't the service's, such as a proxy's 502, or that broke off. */
  | 'http'
  /** No heartbeat for 75 s. Seen again and again it means a proxy that buffers. */
  | 'silent'
  /** 401: not logged in, or no longer. */
  | 'unauthorized'
  /** The service has ended the session or the stream. */
  | 'revoked'
  /** The service won't open the stream. */
  | 'refused'
  /** The stream was lost and is not to be opened again: autoReconnect is false. */
  | 'lost'
  /** The browser is logged in as somebody else than this page shows. */
  | 'other_user'
  /** A frame that is no JSON. */
  | 'malformed'
  /** A handler has thrown; its error is the `cause`. */
  | 'handler'
  /** Written more than 23 h ago and perhaps sent: nobody but its author can tell whether to send it again. */
  | 'outbox_expired'
  /** Not sent: it was taken back. */
  | 'discarded'
  /** Not sent: the user has logged out. */
  | 'logged_out'

/** Every error of this package. */
export class TidingsError extends Error {
  override name = 'TidingsError'
  /** What happened. */
  declare readonly code: ProblemCode | ClientCode | (string & {})
  /** HTTP's, 0 without an answer. */
  declare readonly status: number
  /** Of validation_failed: each field by its path. */
  declare readonly errors: FieldError[]
  /** When the service said when to try again, in milliseconds. */
  declare readonly retryAfter?: number

  constructor(
    code: TidingsError['code'],
    message: string,
    status = 0,
    more: { errors?: FieldError[]; retryAfter?: number; cause?: unknown } = {},
  ) {
    super(message)
    Object.assign(this, { code, status, errors: [], ...more })
  }
}

/** Reads what a refused request was answered: RFC 9457, or whatever stands between. */
export async function problem(answer: Response): Promise<TidingsError> {
  const { status } = answer
  const { code = 'http', detail = `HTTP ${status}`, errors = [] } = (await answer.json().catch(() => null)) ?? {}
  const seconds = Number.parseFloat(answer.headers.get('Retry-After') ?? '')
  return new TidingsError(code, detail, status, { errors, ...(seconds >= 0 && { retryAfter: seconds * 1000 }) })
}
