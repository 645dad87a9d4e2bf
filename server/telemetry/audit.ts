/** The audit trail: lines of the log with `audit: true`, each time that somebody got in, was turned away, or may do more or less. */
import type { Audit, Logger, SampledAudit } from './port.ts'

/** Refusals and failures are warnings: an operator sees them where `LOG_LEVEL=warn` hides the daily course. */
export const createAudit = (logger: Pick<Logger, 'info' | 'warn'>): Audit => (name, { outcome, principal, credential, address, about }) => {
  const fields = {
    audit: true, event: name, outcome,
    ...principal && { principal }, ...credential && { credential }, ...address && { address }, ...about && { about },
  }
  logger[outcome === 'done' ? 'info' : 'warn'](fields, `audit: ${name}`)
}

/** Kinds of refusals that are remembered; past that, that which began first is forgotten, and told again when it goes on. */
const REMEMBERED = 1000
const EVERY_MS = 60_000

/**
 * For what a single caller can make happen thousands of times a second: each event is told once a minute for each `key`, with the count of
 * those left out since.
 * @param now milliseconds since 1970
 */
export const createSampledAudit = (audit: Audit, now: () => number): SampledAudit => {
  const told = new Map<string, { at: number, leftOut: number }>()
  return (key, name, event) => {
    const id = `${name} ${key}`
    const last = told.get(id)
    if (last && now() - last.at < EVERY_MS) {
      last.leftOut++
      return
    }
    told.delete(id)
    if (told.size >= REMEMBERED) told.delete(told.keys().next().value!)
    told.set(id, { at: now(), leftOut: 0 })
    audit(name, last?.leftOut ? { ...event, about: { ...event.about, leftOut: last.leftOut } } : event)
  }
}
