/** Messages made beforehand, as updates: each carries a number in its text, which is found again in what readers get without decoding. */
import * as Y from 'yjs'
import { randomFillSync } from 'node:crypto'
import type { RequestOf } from '../../shared/conversation/schema.ts'
import { createUuidV7 } from '../../shared/ids.ts'
import type { MessageId, RequestId } from '../../shared/ids.ts'
import type { Peer } from '../servers/peers.ts'
import { syncFrame } from './client.ts'

const uuid = createUuidV7(Date.now, bytes => randomFillSync(bytes))
const MARK = '~~'
const DIGITS = 7

export const markOf = (number: number): string => MARK + String(number).padStart(DIGITS, '0')

/** @returns the numbers of all messages in the bytes of a frame */
export const numbersIn = (frame: Buffer): number[] => {
  const numbers: number[] = []
  for (let at = frame.indexOf(MARK); at >= 0; at = frame.indexOf(MARK, at + DIGITS)) {
    numbers.push(Number(frame.toString('latin1', at + MARK.length, at + MARK.length + DIGITS)))
  }
  return numbers
}

export const roomName = (peer: Peer): string => `${peer.conversations ? 'conversation' : 'artifact'}/${uuid()}`

const WORDS = 'what was said stays where it stands and whoever opens it reads it in the order in which it came '

/** @param bytes about how long the text is */
export const textOf = (number: number, bytes: number): string => `${markOf(number)} ${WORDS.repeat(Math.ceil(bytes / WORDS.length)).slice(0, bytes - DIGITS - 3)}`

/** A writer in one room: every update appends one message, or several, behind those before it. */
export class Writer {
  readonly #peer: Peer
  readonly #doc = new Y.Doc()
  #parent: MessageId | null = null
  #made: Uint8Array[] = []

  constructor(peer: Peer) {
    this.#peer = peer
    this.#doc.on('update', (update: Uint8Array) => { this.#made.push(update) })
  }

  /** One update with these messages. */
  say(numbers: readonly number[], bytes: number): Uint8Array {
    this.#made = []
    this.#doc.transact(() => {
      for (const number of numbers) {
        const text = textOf(number, bytes)
        if (this.#peer.conversations) {
          this.#request({ parts: [{ type: 'text', text }], parentId: this.#parent, to: [] })
        } else {
          this.#doc.getArray('messages').push([{ id: uuid(), role: 'user', parts: [{ type: 'text', text }], createdAt: Date.now() }])
        }
      }
    })
    return this.#made[0]!
  }

  /** One update with a message that the default agent shall answer. */
  ask(text: string): Uint8Array {
    this.#made = []
    this.#request({ parts: [{ type: 'text', text }], parentId: this.#parent })
    return this.#made[0]!
  }

  #request(message: RequestOf<'send'>['message']): void {
    const id = uuid() as RequestId
    this.#doc.getMap<RequestOf<'send'>>('requests').set(id, { type: 'send', createdAt: Date.now(), message })
    this.#parent = id as string as MessageId
  }

  /** One update that appends a token to one text. */
  append(token: string): Uint8Array {
    this.#made = []
    const text = this.#doc.getText('text')
    text.insert(text.length, token)
    return this.#made[0]!
  }
}

/** Updates of several messages each. Made beforehand; who made them may go, so that the clients have no large heap to collect. */
export const largeFrames = (peer: Peer, room: string, records: number, perRecord: number, bytes: number): Buffer[] => {
  const author = new Writer(peer)
  return Array.from({ length: records }, (_, record) => {
    const numbers = Array.from({ length: perRecord }, (_, i) => record * perRecord + i)
    return syncFrame(peer, room, 'update', author.say(numbers, bytes))
  })
}

/** When each message was sent and whether it has arrived, by its number; a message may be seen twice (a conversation's title quotes it). */
export class Journey {
  arrived = 0
  readonly #sentAt: Float64Array
  readonly #arrived: Uint8Array
  readonly #measuredFrom: number
  readonly latencies: number[] = []

  /** @param measuredFrom numbers under it are warming up: they count as arrived, not as latencies */
  constructor(messages: number, measuredFrom: number) {
    this.#measuredFrom = measuredFrom
    this.#sentAt = new Float64Array(messages)
    this.#arrived = new Uint8Array(messages)
  }

  /** Numbers of the messages that have arrived. */
  seen(): number[] {
    return Array.from(this.#arrived.keys()).filter(number => this.#arrived[number] !== 0)
  }

  sent(number: number): void {
    this.#sentAt[number] = performance.now()
  }

  /** For one reader of each message. */
  heard(frame: Buffer): void {
    for (const number of numbersIn(frame)) {
      if (this.#arrived[number] !== 0) continue
      this.#arrived[number] = 1
      this.arrived++
      if (number >= this.#measuredFrom) this.latencies.push(performance.now() - this.#sentAt[number]!)
    }
  }
}
