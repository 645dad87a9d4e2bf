/**
 * Loaded before the server (`node --import`): ends the process as `kill -9` does, at a place in the life of a run that no signal from
 * outside would hit. `SKEIN_TEST_DIE_AT="<what> <when> <nth>"`: with the nth record of that kind, before it is handed to the log or when
 * it is durable and nobody knows yet.
 */
import { LevelDbUpdateLog } from '../../server/log/leveldb/leveldb-log.ts'
import type { LogRecord } from '../../server/log/port.ts'

const [what, when, nth] = (process.env['SKEIN_TEST_DIE_AT'] ?? '').split(' ')

const isOfKind = ({ events }: LogRecord): boolean => {
  const runs = events.filter(event => event.type === 'run.created' || event.type === 'run.changed')
  switch (what) {
    case 'created':
      return runs.some(({ type }) => type === 'run.created')
    case 'begun':
      return runs.some(event => event.type === 'run.changed' && event.state === 'processing')
    case 'ended':
      return runs.some(event => event.type === 'run.changed' && event.state !== 'processing')
    case 'bundle':
      return events.length === 0
    default:
      return false
  }
}

const append = LevelDbUpdateLog.prototype.append
let seen = 0
LevelDbUpdateLog.prototype.append = async function (name, record) {
  const isTheOne = isOfKind(record) && ++seen === Number(nth)
  if (isTheOne && when === 'before') process.kill(process.pid, 'SIGKILL')
  const sequence = await append.call(this, name, record)
  if (isTheOne) process.kill(process.pid, 'SIGKILL')
  return sequence
}
