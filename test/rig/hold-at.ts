/**
 * Loaded before the server (`node --import`): documents stand still at a place in the life of a run that no signal from outside would
 * hit, and there the test kills the process. `SKEIN_TEST_HOLD_AT`: JSON, by document `"<what> <when> <nth>"`: with the nth record of that
 * kind, before it is handed to the log or when it is durable and nobody knows yet. Nothing more of that document reaches the disk, so the
 * next process finds what it would have found of a server that was killed right there; the log says `held`.
 */
import { LevelDbUpdateLog } from '../../server/log/leveldb/leveldb-log.ts'
import type { LogRecord } from '../../server/log/port.ts'

const places = JSON.parse(process.env['SKEIN_TEST_HOLD_AT'] ?? '{}') as Record<string, string>

const isOfKind = (what: string | undefined, { events }: LogRecord): boolean => {
  const runs = events.filter(event => event.type === 'run.created' || event.type === 'run.changed')
  switch (what) {
    case 'created':
      return runs.some(({ type }) => type === 'run.created')
    case 'begun':
      return runs.some(event => event.type === 'run.changed' && event.state === 'processing')
    case 'summarised':
      return events.some(({ type }) => type === 'context.summarised')
    case 'ended':
      return runs.some(event => event.type === 'run.changed' && event.state !== 'processing')
    case 'bundle':
      return events.length === 0
    default:
      return false
  }
}

const held = new Set<string>()
const seen = new Map<string, number>()
const never = new Promise<never>(() => {})
const tell = (document: string): Promise<never> => {
  process.stdout.write(`${JSON.stringify({ msg: 'held', document })}\n`)
  return never
}

const { append, compact } = LevelDbUpdateLog.prototype
LevelDbUpdateLog.prototype.append = async function (name, record) {
  if (held.has(name)) return never
  const [what, when, nth] = places[name]?.split(' ') ?? []
  if (isOfKind(what, record)) seen.set(name, (seen.get(name) ?? 0) + 1)
  const isTheOne = isOfKind(what, record) && seen.get(name) === Number(nth)
  if (isTheOne) held.add(name)
  if (isTheOne && when === 'before') return tell(name)
  const sequence = await append.call(this, name, record)
  return isTheOne ? tell(name) : sequence
}
LevelDbUpdateLog.prototype.compact = async function (name, snapshot) {
  return held.has(name) ? never : compact.call(this, name, snapshot)
}
