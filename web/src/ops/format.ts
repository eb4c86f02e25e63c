export const integer = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 })
const decimal = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 })

/** A time in milliseconds, as figures show it. */
export const ms = (value: number | undefined) =>
  value === undefined ? '–' : `${(value < 10 ? decimal : integer).format(value)} ms`
