/** A device's line into the network: all connections of its pages, which go when it goes offline and can be lost at any time. */
import type { DocumentName } from '../../shared/ids.ts'
import type { Link, Network } from './network.ts'
import type { Person } from './people.ts'
import { virtualWebSocket } from './virtual-socket.ts'
import type { SocketState, Telling, Witness } from './witness.ts'

/** How long a device may not notice that its connection is dead (milliseconds). */
const UNNOTICED = 20_000

/** What can befall the network of a device. */
export interface Connectivity {
  goOffline(): void
  goOnline(): void
  cut(): void
  cutSilently(): void
}

export class Line implements Connectivity {
  readonly person: Person
  readonly #network: Network
  readonly #witness: Witness
  #online = true
  readonly #links = new Set<Link>()
  #sockets: SocketState[] = []

  readonly #run: (act: () => void) => void

  /** @param run lets the page of this line act */
  constructor(network: Network, witness: Witness, person: Person, run: (act: () => void) => void = act => act()) {
    this.#run = run
    this.#network = network
    this.#witness = witness
    this.person = person
  }

  get isOnline(): boolean {
    return this.#online
  }

  get sockets(): readonly SocketState[] {
    this.#sockets = this.#sockets.filter(({ isOpen }) => isOpen)
    return this.#sockets
  }

  /**
   * @param look called after a page handled a frame, with the epoch of the room that told it something; null: nothing was told yet
   * @param sent called with each update that a page sends after it was greeted
   */
  webSocket(name: DocumentName, look: (epoch: string | null) => void, sent: Telling = () => {}): typeof WebSocket {
    return virtualWebSocket({
      dial: caller => {
        const link = this.#network.dial({
          ...caller,
          person: this.person,
          name,
          isReachable: () => this.#online,
          opened: () => this.#run(() => caller.opened()),
          received: bytes => this.#run(() => caller.received(bytes)),
          closed: (code, reason) => this.#run(() => caller.closed(code, reason))
        })
        this.#links.add(link)
        return link
      },
      watch: () => {
        const socket = this.#witness.socket(this.person, name, look, sent)
        this.#sockets.push(socket)
        return socket
      }
    })
  }

  goOffline(): void {
    this.#online = false
    this.#lose(() => this.#network.chance.between(0, 200))
  }

  goOnline(): void {
    this.#online = true
  }

  /** Connections are lost; the two ends hear of it soon, or a long time later, each by itself. */
  cut(): void {
    this.#lose(() => this.#network.delay())
  }

  cutSilently(): void {
    this.#lose(() => this.#network.chance.between(1000, UNNOTICED))
  }

  #lose(after: () => number): void {
    for (const link of this.#links) if (!link.over) link.lose(after(), this.#network.chance.between(0, UNNOTICED))
    this.#links.clear()
  }
}
