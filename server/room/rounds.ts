/**
 * The order in which what waits in a room is judged: nobody gets a second turn before everybody else who waits had a first one, however
 * much they have sent (fair queueing, RFC 970). What one session sent stays in its order.
 */
import type { Submission, Turn } from './session.ts'

export class Rounds {
  readonly #roundOf = new WeakMap<Submission | Turn, number>()
  /** Of what a session sent last. */
  readonly #lastOf = new WeakMap<Turn['session'], number>()
  #latest = 0

  /** @param waiting in the order of rounds, from the front of which what is judged goes missing */
  add(waiting: (Submission | Turn)[], next: Submission | Turn): void {
    const [first] = waiting
    if (!first) {
      waiting.push(next)
      return
    }
    // What came when nobody waited was given no round.
    const current = this.#roundOf.get(first) ?? this.#note(first, this.#latest)
    const round = this.#note(next, Math.max(current, (this.#lastOf.get(next.session) ?? -1) + 1))
    let at = waiting.length
    while (at > 1 && (this.#roundOf.get(waiting[at - 1]!) ?? current) > round) at--
    waiting.splice(at, 0, next)
  }

  #note(waiting: Submission | Turn, round: number): number {
    this.#roundOf.set(waiting, round)
    this.#lastOf.set(waiting.session, round)
    this.#latest = Math.max(this.#latest, round)
    return round
  }
}
