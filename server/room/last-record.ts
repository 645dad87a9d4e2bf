/**
 * The newest record of a document, as long as what follows it may be stored together with it, in its place.
 *
 * A reply comes in pieces of some twenty letters, each of which is durable before anybody sees it. As records of their own they would be
 * hundreds a minute, for every reader to come and for every load. So a piece takes the place of the record before it, whoever wrote that,
 * with what that held: one write like any other, of which a crash leaves all or nothing. It stays the record that it was for everything
 * that knows it by its sequence; a snapshot that ends with it, for one, must not come to stand for more.
 */
import { joined } from './join-updates.ts'

/** What is written again with each piece is half of this on average. It holds 200 tokens that come one by one, more of a fast model. */
export const JOINED_BYTES = 4096

export class LastRecord {
  #update: Uint8Array | null = null

  /** A new record is the last one. */
  begin(update: Uint8Array): void {
    this.#update = update
  }

  /** Nothing may be stored in its place any more. */
  end(): void {
    this.#update = null
  }

  /** @returns the last record from now on: that one and what follows it; null: that has to be a record of its own */
  join(update: Uint8Array): { update: Uint8Array, grownBy: number } | null {
    const last = this.#update
    if (!last || last.length + update.length > JOINED_BYTES) return null
    this.#update = joined([last, update])
    return { update: this.#update, grownBy: this.#update.length - last.length }
  }
}
