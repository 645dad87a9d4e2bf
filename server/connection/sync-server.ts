/** `/sync/<document name>`: from an HTTP upgrade to a connection in a room. */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import type { WebSocket } from 'ws'
import { isLoopbackHost } from '../../shared/api/origin.ts'
import { whyNotFound } from '../../shared/drawn-name.ts'
import { SkeinError, errorTable } from '../../shared/errors.ts'
import { parseDocumentName } from '../../shared/ids.ts'
import type { DocumentName } from '../../shared/ids.ts'
import { limits } from '../../shared/limits.ts'
import type { ServerLimits } from '../../shared/limits.ts'
import { limitKey } from '../../shared/rate-table.ts'
import type { Timers } from '../../shared/timers.ts'
import { holderOf } from '../../shared/principal.ts'
import type { Principal } from '../../shared/principal.ts'
import { encodeFrame } from '../../shared/wire/codec.ts'
import { SUBPROTOCOL, TICKET_PROTOCOL } from '../../shared/wire/frame.ts'
import type { Role } from '../../shared/wire/frame.ts'
import type { Caller } from '../edge/caller.ts'
import type { Edge } from '../edge/edge.ts'
import type { StalledSockets } from '../edge/stalled-sockets.ts'
import type { Credentials } from '../identity/port.ts'
import type { AccessPolicy } from '../room/access.ts'
import type { DocumentRoom } from '../room/document-room.ts'
import type { LiveRole, LiveRoles } from '../room/live-roles.ts'
import { Outgoing } from '../room/outgoing.ts'
import type { Proof, Proofs } from '../room/proofs.ts'
import type { RoomRegistry } from '../room/rooms.ts'
import type { Logger, SampledAudit } from '../telemetry/port.ts'
import { Admission } from './admission.ts'
import { closeReason } from './close-reason.ts'
import { Connection } from './connection.ts'
import type { Paces } from './pace.ts'
import { Presence } from './presence.ts'
import { StreamSocket } from './socket.ts'
import type { Socket } from './socket.ts'
import { workPaces } from './work-paces.ts'

export interface SyncServerOptions {
  proofs: Proofs
  roles: LiveRoles
  access: Pick<AccessPolicy, 'openToAll'>
  rooms: RoomRegistry
  logger: Logger
  auditSampled: SampledAudit
  edge: Edge
  stalled: Pick<StalledSockets, 'whenStalled'>
  after: Timers['after']
  /** One of those who wait for it each time that the event loop went round: when a thousand come at once, others are heard in between. */
  yieldToOthers: () => Promise<void>
  /** Milliseconds since 1970. */
  now: () => number
  limits: ServerLimits
}

/** What somebody was let in with. */
interface Admitted {
  stream: Duplex
  name: DocumentName
  room: DocumentRoom
  release: () => void
  proof: Proof
  standing: LiveRole
  role: Role
}

const PATH = '/sync/'
/** Clients of a server that stops come back within this time, each at a moment of its own (milliseconds). */
const COME_BACK_WITHIN_MS = 2000
/** How long a client may take to answer a close frame before the socket is cut (milliseconds). */
const CLOSE_WITHIN_MS = 1000

export class SyncServer {
  readonly #options: SyncServerOptions
  readonly #sockets: WebSocketServer
  readonly #presence = new Map<DocumentName, { presence: Presence, connections: number }>()
  readonly #answered = new WeakSet<WebSocket>()
  readonly #connections = new Set<Connection>()
  readonly #admission: Admission
  readonly #work: Paces
  #draining = false
  #cancelPing: () => void = () => {}
  /** Payload of the latest ping. */
  #tick = 0

  constructor(options: SyncServerOptions) {
    this.#options = options
    this.#admission = new Admission(options.limits, options.now)
    this.#work = workPaces(options.limits, options.now)
    this.#sockets = new WebSocketServer({
      noServer: true,
      maxPayload: limits.frameBytes,
      perMessageDeflate: false,
      // Left to itself, ws echoes the first protocol that was offered, and that may be a secret.
      handleProtocols: offered => offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false
    })
    this.#schedulePing()
  }

  /** For the HTTP server's `upgrade` event. @returns false when the path is not ours */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    const path = (request.url ?? '').split('?', 1)[0]!
    if (!path.startsWith(PATH)) return false
    const { edge, auditSampled } = this.#options
    const caller = edge.callerOf(request)
    const { address } = caller
    if (!this.#isOurPage(request, caller)) {
      const { origin = null } = request.headers
      auditSampled(`${address} ${origin}`, 'origin.refused', { outcome: 'refused', address, about: { origin, path: PATH } })
      socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
      return true
    }
    if (!this.#admission.mayConnect(limitKey(address))) {
      auditSampled(address, 'rate.limited', { outcome: 'refused', address, about: { method: 'connect' } })
      socket.end('HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n')
      return true
    }
    const credentials = credentialsOf(request, caller)
    const name = path.slice(PATH.length)
    void this.#options.yieldToOthers().then(() =>
      this.#sockets.handleUpgrade(request, socket, head, webSocket => void this.#admit(webSocket, socket, credentials, name)))
    return true
  }

  /** Nobody is let in any more; what clients have sent is worked off, what they send from now on they will send again elsewhere. */
  drain(): void {
    this.#draining = true
    for (const connection of this.#connections) connection.drain(COME_BACK_WITHIN_MS)
  }

  /** Ends every connection with "try again later". */
  close(): void {
    this.#cancelPing()
    for (const connection of this.#connections) connection.end('unavailable')
    for (const socket of this.#sockets.clients) {
      socket.close(errorTable.unavailable.close, closeReason('unavailable', errorTable.unavailable.message))
      socket.resume()
      this.#options.after(CLOSE_WITHIN_MS, () => socket.terminate())
    }
  }

  /** A page of another site must not use this person's cookie, nor, where there are none, a foreign name for this machine. */
  #isOurPage({ headers }: IncomingMessage, caller: Caller): boolean {
    const { edge, access } = this.#options
    return edge.origins.mayUse(headers.origin, caller) && (!access.openToAll || isLoopbackHost(caller.host))
  }

  /**
   * The upgrade has been answered already, because a browser tells a page nothing of a refused one: whoever may not enter is let in as far
   * as a close frame with the reason.
   */
  async #admit(webSocket: WebSocket, stream: Duplex, credentials: Credentials, path: string): Promise<void> {
    const socket = new StreamSocket(webSocket, stream)
    webSocket.on('error', error => this.#options.logger.info({ err: error }, 'socket error'))
    // One that nobody asked for is no sign of a reader that keeps up.
    webSocket.on('pong', payload => { if (String(payload) === String(this.#tick)) this.#answered.add(webSocket) })
    this.#answered.add(webSocket)
    webSocket.pause()
    try {
      if (this.#draining) throw new SkeinError('unavailable')
      const name = parseDocumentName(decodePath(path))
      if (!name) throw new SkeinError('not-found')
      const { proofs, roles, access, rooms } = this.#options
      const proof = await proofs.enter(credentials)
      if (!proof) throw new SkeinError('unauthenticated')
      const { principal } = proof
      // It may have gone while we asked who it is.
      if (isClosed(webSocket)) return proof.leave()
      socket.whenClosed(() => proof.leave())
      // Where everybody is the one local person there is nothing to tell apart.
      const stay = access.openToAll ? () => {} : this.#admission.enter(holderOf(principal).id)
      if (!stay) throw new SkeinError('too-many-connections')
      socket.whenClosed(stay)
      const standing = await roles.enter(name, principal)
      if (!standing) return this.#turnAway(webSocket, socket, name, principal)
      if (isClosed(webSocket)) return standing.leave()
      socket.whenClosed(() => standing.leave())
      const { room, release } = await rooms.acquire(name)
      const { role } = standing
      if (!role) {
        release()
        return this.#turnAway(webSocket, socket, name, principal)
      }
      this.#serve(webSocket, socket, { stream, name, room, release, proof, standing, role })
    } catch (error) {
      const code = error instanceof SkeinError ? error.code : 'internal'
      if (!(error instanceof SkeinError)) this.#options.logger.warn({ err: error }, 'connection could not be opened')
      webSocket.resume()
      socket.close(errorTable[code].close, closeReason(code, errorTable[code].message))
    }
  }

  /** From here on the socket is a connection in the room. */
  #serve(webSocket: WebSocket, socket: StreamSocket, { stream, name, room, release, proof, standing, role }: Admitted): void {
    const held = this.#presenceOf(name)
    held.connections++
    const speaksSkein = webSocket.protocol === SUBPROTOCOL
    const { principal } = proof
    const { limits, now, after, access } = this.#options
    const work = access.openToAll ? this.#work.ofOne() : this.#work.of(holderOf(principal).id)
    const connection = new Connection(socket, room, held.presence, principal, role, speaksSkein, { limits, now, after, work })
    this.#connections.add(connection)
    const leave = (): void => {
      this.#connections.delete(connection)
      connection.closed()
      release()
      if (--held.connections === 0) this.#presence.delete(name)
    }
    if (webSocket.readyState !== webSocket.OPEN) return leave()
    if (this.#draining) connection.drain(COME_BACK_WITHIN_MS)
    socket.whenClosed(leave)
    const receive = (bytes: Uint8Array): void => {
      try {
        connection.receive(bytes)
      } catch (error) {
        this.#options.logger.error({ document: name, err: error }, 'frame could not be worked off')
        connection.end('internal')
      }
    }
    // Who does not answer a close frame would go on reading what waits for them.
    const cutSoon = (): void => void this.#options.after(CLOSE_WITHIN_MS, () => webSocket.terminate())
    this.#options.stalled.whenStalled(stream, () => {
      this.#options.logger.info({ document: name, principal: principal.id }, 'a connection that took nothing was ended')
      connection.end('slow-reader')
      cutSoon()
    })
    proof.whenEnded(code => {
      connection.end(code)
      cutSoon()
    })
    proof.whenRenamed(principal => { connection.principal = principal })
    standing.whenChanged(role => {
      connection.assume(role)
      if (role === null) cutSoon()
    })
    socket.listen(receive)
  }

  /** The same whether there is such a document or not. */
  #turnAway(webSocket: WebSocket, socket: Socket, name: DocumentName, { id: userId }: Principal): void {
    if (webSocket.protocol === SUBPROTOCOL) {
      socket.send([new Outgoing(encodeFrame({ type: 'control', control: { kind: 'role', role: null, userId } }))])
    }
    webSocket.resume()
    socket.close(errorTable['not-found'].close, closeReason('not-found', whyNotFound(name)))
  }

  #presenceOf(name: DocumentName): { presence: Presence, connections: number } {
    const known = this.#presence.get(name)
    if (known) return known
    const held = { presence: new Presence(this.#options.after), connections: 0 }
    this.#presence.set(name, held)
    return held
  }

  #schedulePing(): void {
    this.#cancelPing = this.#options.after(this.#options.limits.pingSeconds * 1000, () => {
      this.#tick++
      for (const socket of this.#sockets.clients) {
        // Of who is not read for now no answer is heard. Behind what waits for a slow reader the question waits too: see StalledSockets.
        if (this.#answered.delete(socket) || socket.isPaused) socket.ping(String(this.#tick))
        else if (socket.bufferedAmount === 0) socket.terminate()
      }
      this.#schedulePing()
    })
  }
}

const isClosed = ({ readyState, CLOSED }: WebSocket): boolean => readyState === CLOSED

const credentialsOf = ({ url = '', headers }: IncomingMessage, { address }: Caller): Credentials => ({
  cookie: headers.cookie,
  authorization: headers.authorization,
  origin: headers.origin,
  ticket: ticketIn(headers['sec-websocket-protocol'], url),
  address,
})

/** A browser's WebSocket can send no header of its own: what proves its person comes as a subprotocol, or in the URL of a stock client. */
const ticketIn = (offered: string | undefined, url: string): string | undefined => {
  const protocol = offered?.split(',').map(each => each.trim()).find(each => each.startsWith(TICKET_PROTOCOL))
  return protocol?.slice(TICKET_PROTOCOL.length) ?? new URLSearchParams(url.split('?')[1]).get('ticket') ?? undefined
}

const decodePath = (path: string): string => {
  try {
    return decodeURIComponent(path)
  } catch {
    return ''
  }
}

