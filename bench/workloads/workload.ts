/** What a row of the table is: a workload, alone with one freshly started server. */
import type { Client } from '../load/client.ts'
import type { MeasuredServer } from '../measure/server.ts'
import type { Peer } from '../servers/peers.ts'

/** Medians of these are compared; the names are the columns. */
export type Measured = Record<string, number>

export interface StartAnew {
  /** Another data folder, made in that of this measurement. */
  beside?: string
  /** Beside what the peer sets. */
  environment?: Readonly<Record<string, string>>
}

export interface Bench {
  peer: Peer
  /** Starts the server on the data folder of this measurement; again after it was stopped. */
  start(options?: StartAnew): Promise<MeasuredServer>
  /** Of the server's data. */
  folder: string
  /** Scales how long things go on: 1 as described, less to try it out. */
  scale: number
}

export interface Workload {
  title: string
  /** What a stranger must know to read the numbers. */
  about: string
  /** Peers that can do this at all. */
  takes(peer: Peer): boolean
  run(bench: Bench): Promise<Measured>
}

export const everybody = (): boolean => true
export const withDocuments = (peer: Peer): boolean => peer.protocol.handshake
export const withStore = (peer: Peer): boolean => peer.persists

export const closeAll = (clients: Iterable<Client>): void => {
  for (const client of clients) client.close()
}
