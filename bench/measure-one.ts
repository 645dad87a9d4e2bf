/** One workload with one peer: the clients are this process, the server is another. Prints what was measured as its last line. */
import { mkdirSync, rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { MeasuredServer } from './measure/server.ts'
import { peers } from './servers/peers.ts'
import { workloads } from './workloads/all.ts'

const { values } = parseArgs({ options: { row: { type: 'string' }, peer: { type: 'string' }, scale: { type: 'string' }, profile: { type: 'string' } } })
const [workload, peer] = [workloads[values.row ?? ''], peers[values.peer ?? '']]
if (!workload || !peer) throw new Error(`There is no row ${values.row} or no peer ${values.peer}`)

const scratch = await mkdtemp(join(tmpdir(), 'skein-bench-'))
const folder = join(scratch, 'data')
mkdirSync(folder)
const started: MeasuredServer[] = []
try {
  const measured = await workload.run({
    peer,
    scale: Number(values.scale ?? '1'),
    folder,
    start: async ({ beside, environment = {} } = {}) => {
      const own = beside === undefined ? { folder, scratch } : { folder: join(folder, beside), scratch: join(scratch, beside) }
      for (const path of Object.values(own)) mkdirSync(path, { recursive: true })
      const server = await MeasuredServer.start({ peer, ...own, profileFolder: values.profile ?? null, environment })
      started.push(server)
      return server
    },
  })
  console.log(JSON.stringify(measured))
} finally {
  for (const server of started) await server.stop('SIGKILL')
  rmSync(scratch, { recursive: true, force: true, maxRetries: 3 })
}
process.exit(0)
