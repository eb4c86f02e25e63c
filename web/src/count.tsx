/** A number as short as a badge: 99, then 99+. */
export const short = (n: number, most = 99) => (n > most ? `${most}+` : `${n}`)

/** A number on a button. The button's name says it too, as short, so that who speaks to it can say what is seen. */
export const Count = ({ n }: { n: number }) => (
  <span className="badge" aria-hidden="true">
    {short(n)}
  </span>
)
