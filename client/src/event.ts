import type { ControlMap, EventMap } from './schema.gen.js'

/**
 * The data of the event types that your own services emit. Add them to this interface:
 *
 *     declare module '@tidings/client' {
 *       interface CustomEvents { order_shipped: { order: number } }
 *     }
 */
// biome-ignore lint/suspicious/noEmptyInterface: made to be added to
export interface CustomEvents {}

/**
 * Why lists must be fetched again: what the service said, or `not_resumed`: the stream
 * goes on, but from now and not from where this tab was.
 */
export interface ResetData {
  reason: 'expired' | 'invalid' | 'selection' | 'overflow' | 'not_resumed'
}

/** The data of every event that handlers can get, by its type. */
export interface Events extends EventMap, CustomEvents, Omit<ControlMap, 'reset'> {
  reset: ResetData
}

type Event<T extends string, D> = {
  /** Whose stream this is. */
  userId: number
  type: T
  data: D
  /** The same on every connection; ephemeral events have none. */
  eventId?: string
}

/** Events of users as the service sends them, told apart by `type`. */
export type TidingsEvent = { [T in keyof EventMap]: Event<T, EventMap[T]> }[keyof EventMap]

/** The event of one type; of a type that nothing is known of, `data` is unknown. */
export type EventOf<T extends string> = T extends '*'
  ? { [K in keyof Events]: Event<K, Events[K]> }[keyof Events]
  : Event<T, T extends keyof Events ? Events[T] : unknown>

export type Handler<T extends string> = (event: EventOf<T>) => void

/** The names of events, and `*` for all of them; others are allowed, for types that your own services emit. */
export type EventName = keyof Events | '*' | (string & {})
