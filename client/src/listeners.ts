/** Those who want to be told of something. */
export interface Listeners<E> {
  /** Adds one; what it returns takes it away again. */
  add(listener: (e: E) => void): () => void
  /** Tells all of them; false when there are none. The error of one is not the others'. */
  tell(e: E): boolean
}

export function createListeners<E>(): Listeners<E> {
  const all = new Set<(e: E) => void>()
  return {
    add(listener) {
      all.add(listener)
      return () => all.delete(listener)
    },
    tell(e) {
      for (const listener of all) {
        try {
          listener(e)
        } catch (cause) {
          report(cause)
        }
      }
      return all.size > 0
    },
  }
}

/** Tells of an error that nobody listens for, as the browser does of an uncaught one. */
export function report(error: unknown): void {
  if (typeof reportError === 'function') reportError(error)
  else console.error(error)
}
