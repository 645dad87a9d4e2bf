/**
 * A process whose files may not grow beyond 8 MiB: it appends, has a write refused, reads, appends again, and says what it saw.
 * Argument: the data folder.
 */
import { openLevelDbLog } from '../../server/log/leveldb/leveldb-log.ts'
import { codeOf } from './code-of.ts'
import { documentName, record } from './samples.ts'

const [path = ''] = process.argv.slice(2)
const name = documentName('a')
const kilobyte = (n: number): Uint8Array => new Uint8Array(1024).fill(n & 255)

const log = await openLevelDbLog({ path, durability: 'fsync' })
const acknowledged = 200
for (let n = 0; n < acknowledged; n++) await log.append(name, record(kilobyte(n)))
const failed = await codeOf(log.append(name, record(new Uint8Array(9 * 1024 * 1024))))
const kept = (await log.read(name))?.updates.length
const generation = log.generation
const next = await log.append(name, record(kilobyte(0)))
await log.close()
process.stdout.write(JSON.stringify({ failed, acknowledged, kept, generation, next }))
