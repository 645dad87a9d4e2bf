/** Asks the server what became of requests, each once at a time, and all of them again after a while where it could not be asked. */
import type { After } from './port.ts'
import type { RequestId } from '../../shared/ids.ts'
import type { RequestOutcome } from '../../shared/wire/frame.ts'

/** After the server could not be asked (milliseconds). */
const ASK_AGAIN_MS = 5_000

export interface OutcomeQuestionsOptions {
  /** What the server noted of a request; null: nothing. Rejects when it cannot be asked now. */
  outcomeOf: (id: RequestId) => Promise<RequestOutcome | null>
  askAgain: () => void
  after: After
}

export class OutcomeQuestions {
  readonly #options: OutcomeQuestionsOptions
  /** The server that is met now is being asked. */
  #asking = new Set<RequestId>()
  #cancel = (): void => {}

  constructor(options: OutcomeQuestionsOptions) {
    this.#options = options
  }

  /** Another connection: whoever was asked before may never answer. */
  begin(): void {
    this.#asking = new Set()
  }

  /** @param answered told what the server noted, null for nothing */
  async ask(id: RequestId, answered: (outcome: RequestOutcome | null) => void): Promise<void> {
    const asking = this.#asking
    if (asking.has(id)) return
    asking.add(id)
    try {
      answered(await this.#options.outcomeOf(id))
    } catch {
      this.#cancel()
      this.#cancel = this.#options.after(ASK_AGAIN_MS, this.#options.askAgain)
    } finally {
      asking.delete(id)
    }
  }

  close(): void {
    this.#cancel()
  }
}
