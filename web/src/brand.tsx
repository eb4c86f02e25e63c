/** The sign of the app. */
export const Brand = () => (
  <svg className="brand" viewBox="0 0 64 64" aria-hidden="true">
    <rect width="64" height="64" rx="18" className="brand-field" />
    <path d="M15 22.5h34M32 22.5V49" fill="none" stroke="#fff" strokeWidth="7" strokeLinecap="round" />
    <circle cx="49" cy="45" r="6" className="brand-dot" />
  </svg>
)
