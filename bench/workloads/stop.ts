/** How soon a model is let go when a person stops its reply, whichever protocol it speaks. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { providers } from '../../server/agents/models.ts'
import { readDrafts, readRuns } from '../../shared/conversation/read.ts'
import { proposeStop, putRequest } from '../../shared/conversation/write.ts'
import type { AgentId } from '../../shared/ids.ts'
import { newRequestId, say } from '../../test/rig/conversation.ts'
import { startModelServer } from '../../test/rig/model-server.ts'
import { Peer as Device } from '../../test/rig/peer.ts'
import { roomName } from '../load/messages.ts'
import { percentile } from '../measure/numbers.ts'
import { until } from '../measure/wait.ts'
import type { Measured, Workload } from './workload.ts'

/** Of each protocol. */
const STOPS = 100

export const stop: Workload = {
  title: `${STOPS} replies stopped in the middle, of each protocol`,
  about: 'From the request that a device sends, and from when it hears that this is saved, to the moment at which the model\'s HTTP server sees its ' +
    `connection closed. The models speak the protocols of ${providers.join(', ')}, in turn, from one server.`,
  takes: peer => peer.conversations === true,
  async run({ peer, start, folder, scale }) {
    const models = await Promise.all(providers.map(async provider => ({ provider, server: await startModelServer(provider) })))
    const list = models.map(({ provider, server: { baseURL } }) =>
      ({ id: provider, name: provider, provider, model: 'bench', baseUrl: baseURL, apiKeyFrom: 'BENCH_KEY' }))
    await mkdir(folder, { recursive: true })
    const path = join(folder, 'models.json')
    await writeFile(path, JSON.stringify(list))
    const server = await start({ environment: { SKEIN_MODELS: path, BENCH_KEY: 'sk-bench' } })
    const device = await Device.join(`ws://127.0.0.1:${server.port}/sync`, roomName(peer))
    const took = models.map(({ provider }) => ({ provider, sent: [] as number[], saved: [] as number[] }))
    for (let n = 0; n < Math.ceil(STOPS * scale); n++) {
      for (const [at, model] of models.entries()) {
        say(device.doc, 'Go on', { to: [model.provider as string as AgentId] })
        const exchange = await model.server.next()
        await exchange.token('Well')
        await until('a word is seen', () => readDrafts(device.doc).some(({ parts }) => parts.length > 0))
        const run = readRuns(device.doc).find(({ state }) => state === 'processing')
        if (!run) throw new Error('There is no run to stop')
        const closed = exchange.aborted.then(() => performance.now())
        const asked = performance.now()
        putRequest(device.doc, newRequestId(), proposeStop(run.id, Date.now()))
        const [closedAt, savedAt] = await Promise.all([closed, heardOf(device)])
        took[at]!.sent.push(closedAt - asked)
        took[at]!.saved.push(closedAt - savedAt)
        await until('the reply is sealed', () => readDrafts(device.doc).length === 0)
      }
    }
    device.close()
    await server.stop()
    await Promise.all(models.map(model => model.server.close()))
    const all = took.flatMap(({ saved }) => saved)
    const measured: Measured = {}
    for (const { provider, sent } of took) {
      measured[`${provider}: sent to closed p50 ms`] = percentile(sent, 0.5)
      measured[`${provider}: max ms`] = Math.max(...sent)
    }
    return { ...measured, 'saved to closed p50 ms': percentile(all, 0.5), 'saved to closed max ms': Math.max(...all) }
  },
}

/** @returns when everything that the device has sent until now was saved, to the moment */
const heardOf = (device: Device): Promise<number> => new Promise(resolve => {
  const target = device.sent
  const look = (): void => {
    if (device.saved < target) return
    device.socket.off('message', look)
    resolve(performance.now())
  }
  device.socket.on('message', look)
})
