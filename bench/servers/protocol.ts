/** How a peer's clients speak: where a room is, what is said first, and what stands around a frame of y-protocols. */
import * as encoding from 'lib0/encoding'
import { SUBPROTOCOL } from '../../shared/wire/frame.ts'

export interface Protocol {
  path(room: string): string
  subprotocol: string | null
  /** Whether there are steps 1 and 2; without them a client is there as soon as its socket is open. */
  handshake: boolean
  /** Said first; the rest follows when the server has answered it with a frame of type 2. Null: nothing is asked. */
  greeting(room: string): Uint8Array | null
  /** Put before every frame to the server; the server puts as many bytes before its own. */
  prefix(room: string): Uint8Array
}

const NOTHING = new Uint8Array()

/** A bare relay. */
export const noProtocol: Protocol = {
  path: room => `/${room}`,
  subprotocol: null,
  handshake: false,
  greeting: () => null,
  prefix: () => NOTHING,
}

/** y-websocket's. */
export const plainProtocol: Protocol = { ...noProtocol, handshake: true }

export const skeinProtocol: Protocol = { ...plainProtocol, path: room => `/sync/${room}`, subprotocol: SUBPROTOCOL }

/** Every frame begins with the document's name; before anything else there is a token (type 2, subtype 0). */
export const hocuspocusProtocol: Protocol = {
  ...plainProtocol,
  path: () => '/',
  greeting: room => encoding.encode(encoder => {
    encoding.writeVarString(encoder, room)
    encoding.writeVarUint(encoder, 2)
    encoding.writeVarUint(encoder, 0)
    encoding.writeVarString(encoder, 'no token')
  }),
  prefix: room => encoding.encode(encoder => encoding.writeVarString(encoder, room)),
}
