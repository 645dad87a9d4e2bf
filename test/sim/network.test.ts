/** When nothing is under way in the virtual network. */
import { expect, it } from 'vitest'
import type { Socket } from '../../server/connection/socket.ts'
import { Outgoing } from '../../server/room/outgoing.ts'
import { Chance } from './chance.ts'
import { Clock } from './clock.ts'
import { TALK } from './names.ts'
import { Network } from './network.ts'
import { ada } from './people.ts'

it('nothing is under way only when everything has arrived, also at who does not read for a while', async () => {
  const clock = new Clock()
  const network = new Network(clock, new Chance(7767))
  const sockets: Socket[] = []
  network.listener = {
    accept: (_, socket) => {
      sockets.push(socket)
      return { received: () => {}, closed: () => {} }
    },
  }
  let [sent, received, waiting, stalls] = [0, 0, 0, 0]
  for (let n = 0; n < 20; n++) {
    network.dial({
      person: ada, name: TALK, speaksSkein: true, isReachable: () => true,
      opened: () => {}, admitted: () => {}, received: () => { received++ }, closed: () => {},
    })
  }
  for (let round = 0; round < 300; round++) {
    await clock.advance(50)
    const isQuiet = network.links.every(({ inFlight }) => inFlight === 0)
    if (isQuiet) expect([received, waiting]).toEqual([sent, 0])
    if (!isQuiet || round % 2 === 1) continue
    for (const socket of sockets) {
      socket.send([new Outgoing(new Uint8Array([1]))])
      sent++
      if (socket.backlog() === 0) continue
      stalls++
      waiting++
      socket.whenDrained(() => { waiting-- })
    }
  }
  expect(stalls).toBeGreaterThan(0)
})
