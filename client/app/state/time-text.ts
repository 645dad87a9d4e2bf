/** Times as people say them; all take milliseconds since 1970. */

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const startOfDay = (time: number): number => new Date(time).setHours(0, 0, 0, 0)
/** Calendar days between the two, by the device's clock; counts right over a change to summer time. */
const daysBetween = (then: number, now: number): number => Math.round((startOfDay(now) - startOfDay(then)) / DAY)

/** For lists: `now`, `5 min`, `3 h`, `Yesterday`, `Tue`, `12 Mar`, `12 Mar 2025`. */
export const relativeTime = (then: number, now: number, locale?: string): string => {
  const age = now - then
  if (age < MINUTE) return 'now'
  if (age < HOUR) return `${Math.floor(age / MINUTE)} min`
  const days = daysBetween(then, now)
  if (days === 0) return `${Math.floor(age / HOUR)} h`
  if (days === 1) return 'Yesterday'
  if (days < 7) return new Intl.DateTimeFormat(locale, { weekday: 'short' }).format(then)
  const sameYear = new Date(then).getFullYear() === new Date(now).getFullYear()
  return new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', ...!sameYear && { year: 'numeric' } }).format(then)
}

/** Beside a message: the time of day, with the date unless it is today. */
export const clockTime = (then: number, now: number, locale?: string): string =>
  new Intl.DateTimeFormat(locale, {
    hour: '2-digit', minute: '2-digit', ...daysBetween(then, now) !== 0 && { day: 'numeric', month: 'short' }
  }).format(then)

/** Written and accepted differ by more than a slow network explains: it was written offline. */
export const wasWrittenOffline = (createdAt: number, acceptedAt: number): boolean => acceptedAt - createdAt > MINUTE
