/**
 * An authenticator without a browser: makes passkeys and signs with them as WebAuthn says (level 3, sections 6.1 and 6.5), so that a server
 * verifies real keys and signatures. What is sent and told is JSON as browsers' `toJSON()` has it.
 */
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

interface Held {
  id: Buffer
  key: KeyObject
  userHandle: string
  counter: number
}

/** What of a server's options is looked at. */
interface Options {
  challenge: string
  rpId?: string
  rp?: { id?: string }
  user?: { id: string }
}

/** Present, verified, in the authenticator alone: flags of the authenticator's data. */
const [PRESENT, VERIFIED, ATTESTED] = [0x01, 0x04, 0x40] as const

export class Authenticator {
  /** As the browser writes it; that of the page it is used on. */
  origin: string
  #held: Held | null = null

  constructor(origin: string) {
    this.origin = origin
  }

  /** Of the next signature. Authenticators count up; a copy of one that does not know of the others' signatures goes back. */
  set counter(counter: number) {
    this.#passkey.counter = counter
  }

  get #passkey(): Held {
    if (!this.#held) throw new Error('This authenticator holds no passkey.')
    return this.#held
  }

  /** A new passkey, which is the one that it holds from now on. */
  make({ challenge, rp, user }: Options): Record<string, unknown> {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const held = { id: randomBytes(32), key: privateKey, userHandle: user?.id ?? '', counter: 0 }
    this.#held = held
    const { x = '', y = '' } = publicKey.export({ format: 'jwk' })
    // EC2 key of ES256 on P-256 (RFC 9053).
    const cose = encode(new Map<unknown, unknown>([[1, 2], [3, -7], [-1, 1], [-2, Buffer.from(x, 'base64url')], [-3, Buffer.from(y, 'base64url')]]))
    const attested = Buffer.concat([Buffer.alloc(16), Buffer.of(0, held.id.length), held.id, cose])
    const authData = Buffer.concat([this.#data(rp?.id, PRESENT | VERIFIED | ATTESTED, 0), attested])
    const attestationObject = encode(new Map<unknown, unknown>([['fmt', 'none'], ['attStmt', new Map()], ['authData', authData]]))
    return this.#credential(held, {
      clientDataJSON: this.#clientData('webauthn.create', challenge).toString('base64url'),
      attestationObject: attestationObject.toString('base64url'), transports: ['internal'],
    })
  }

  /** Proves that it holds the passkey. */
  prove({ challenge, rpId }: Options): Record<string, unknown> {
    const held = this.#passkey
    const clientData = this.#clientData('webauthn.get', challenge)
    const authData = this.#data(rpId, PRESENT | VERIFIED, ++held.counter)
    const signature = sign('sha256', Buffer.concat([authData, createHash('sha256').update(clientData).digest()]), held.key)
    return this.#credential(held, {
      clientDataJSON: clientData.toString('base64url'), authenticatorData: authData.toString('base64url'),
      signature: signature.toString('base64url'), userHandle: held.userHandle,
    })
  }

  #credential({ id }: Held, response: object): Record<string, unknown> {
    return { id: id.toString('base64url'), rawId: id.toString('base64url'), type: 'public-key', clientExtensionResults: {}, response }
  }

  #clientData(type: string, challenge: string): Buffer {
    return Buffer.from(JSON.stringify({ type, challenge, origin: this.origin, crossOrigin: false }))
  }

  #data(rpId: string | undefined, flags: number, counter: number): Buffer {
    const count = Buffer.alloc(4)
    count.writeUInt32BE(counter)
    return Buffer.concat([createHash('sha256').update(rpId ?? new URL(this.origin).hostname).digest(), Buffer.of(flags), count])
  }
}

/** CBOR (RFC 8949), as far as it is needed: small numbers, bytes, texts and maps of these. */
const encode = (value: unknown): Buffer => {
  if (typeof value === 'number') return value >= 0 ? head(0, value) : head(1, -1 - value)
  if (value instanceof Uint8Array) return Buffer.concat([head(2, value.length), value])
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)])
  if (value instanceof Map) return Buffer.concat([head(5, value.size), ...[...value].flat().map(encode)])
  throw new TypeError(`CBOR of ${typeof value} is not needed here.`)
}

const head = (major: number, length: number): Buffer => {
  if (length < 24) return Buffer.of(major << 5 | length)
  return length < 256 ? Buffer.of(major << 5 | 24, length) : Buffer.of(major << 5 | 25, length >> 8, length & 255)
}
