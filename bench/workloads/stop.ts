/** How soon a model is let go when a person stops its reply. */
import { readDrafts, readRuns } from '../../shared/conversation/read.ts'
import { proposeStop, putRequest } from '../../shared/conversation/write.ts'
import { newRequestId, say } from '../../test/rig/conversation.ts'
import { Peer as Device } from '../../test/rig/peer.ts'
import { roomName } from '../load/messages.ts'
import { startModel } from '../load/model.ts'
import { percentile } from '../measure/numbers.ts'
import { until } from '../measure/wait.ts'
import type { Workload } from './workload.ts'

const STOPS = 100

export const stop: Workload = {
  title: `${STOPS} replies stopped in the middle`,
  about: 'From the request that a device sends, and from when it hears that this is saved, to the moment at which the model\'s HTTP server sees its ' +
    'connection closed.',
  takes: peer => peer.conversations === true,
  async run({ peer, start, scale }) {
    const model = await startModel()
    const server = await start({ environment: model.environment })
    const device = await Device.join(`ws://127.0.0.1:${server.port}/sync`, roomName(peer))
    const [sent, saved]: [number[], number[]] = [[], []]
    for (let n = 0; n < Math.ceil(STOPS * scale); n++) {
      say(device.doc, 'Go on')
      const exchange = await model.server.next()
      await exchange.token('Well')
      await until('a word is seen', () => readDrafts(device.doc).some(({ parts }) => parts.length > 0))
      const run = readRuns(device.doc).find(({ state }) => state === 'processing')
      if (!run) throw new Error('There is no run to stop')
      const closed = exchange.aborted.then(() => performance.now())
      const at = performance.now()
      putRequest(device.doc, newRequestId(), proposeStop(run.id, Date.now()))
      const heard = heardOf(device)
      const [closedAt, savedAt] = await Promise.all([closed, heard])
      sent.push(closedAt - at)
      saved.push(closedAt - savedAt)
      await until('the reply is sealed', () => readDrafts(device.doc).length === 0)
    }
    device.close()
    await server.stop()
    await model.server.close()
    return {
      'sent to closed p50 ms': percentile(sent, 0.5),
      'sent to closed max ms': Math.max(...sent),
      'saved to closed p50 ms': percentile(saved, 0.5),
      'saved to closed max ms': Math.max(...saved),
    }
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
