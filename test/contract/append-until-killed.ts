/** A process that appends to a log and says so after each acknowledgement, until it is killed. Arguments: folder, durability, documents. */
import { openLevelDbLog } from '../../server/log/leveldb/leveldb-log.ts'
import { bytes, documentName, record, taken } from './samples.ts'

const [path = '', durability = 'fsync', documents = '1'] = process.argv.slice(2)
const log = await openLevelDbLog({ path, durability: durability === 'os' ? 'os' : 'fsync' })
process.stdout.write(`generation ${log.generation}\n`)

const appendForEver = async (document: number): Promise<never> => {
  const name = documentName(`d${document}`)
  for (let n = ((await log.read(name))?.head ?? -1) + 1; ; n++) {
    const sequence = await log.append(name, record(bytes(n), { ledger: [taken(n)] }))
    process.stdout.write(`${document} ${sequence}\n`)
  }
}

await Promise.all(Array.from({ length: Number(documents) }, (_, document) => appendForEver(document)))
