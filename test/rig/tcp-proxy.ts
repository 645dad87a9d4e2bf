/** A TCP proxy on loopback that can be cut: `setOffline` of a browser only stalls an open socket, this one really ends it. */
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

export interface TcpProxy {
  readonly port: number
  /** What the target says on the connections that are open is no longer passed on; what it is told still is. */
  mute(): void
  /** Ends every connection and refuses new ones. */
  cut(): void
  restore(): void
  close(): Promise<void>
}

/** @param target port on loopback; a function when it can change (a restarted server) */
export const startTcpProxy = async (target: number | (() => number)): Promise<TcpProxy> => {
  const open = new Set<Socket>()
  const answers = new Set<Socket>()
  let isCut = false
  const server = createServer(inner => {
    if (isCut) return void inner.destroy()
    const outer = connect(typeof target === 'number' ? target : target(), '127.0.0.1')
    answers.add(outer)
    outer.on('close', () => answers.delete(outer))
    for (const [from, to] of [[inner, outer], [outer, inner]] as const) {
      open.add(from)
      from.pipe(to)
      from.on('error', () => to.destroy())
      from.on('close', () => {
        open.delete(from)
        to.destroy()
      })
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const cut = (): void => {
    isCut = true
    for (const socket of [...open]) socket.destroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    mute: () => {
      for (const outer of answers) outer.unpipe()
    },
    cut,
    restore: () => { isCut = false },
    close: () => new Promise(resolve => {
      cut()
      server.close(() => resolve())
    })
  }
}
