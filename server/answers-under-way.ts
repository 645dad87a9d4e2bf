/** Requests that are being answered: a server that stops lets who has done something hear that it is done. */
import type { ServerResponse } from 'node:http'
import type { Timers } from '../shared/timers.ts'

export class AnswersUnderWay {
  readonly #responses = new Set<ServerResponse>()
  readonly #after: Timers['after']
  #over: () => void = () => {}

  constructor({ after }: Pick<Timers, 'after'>) {
    this.#after = after
  }

  begin(response: ServerResponse): void {
    this.#responses.add(response)
    response.once('close', () => {
      this.#responses.delete(response)
      if (this.#responses.size === 0) this.#over()
    })
  }

  /** Resolves when all are sent, or after so long. */
  async finished(withinMs: number): Promise<void> {
    if (this.#responses.size === 0) return
    await new Promise<void>(resolve => {
      const cancel = this.#after(withinMs, resolve)
      this.#over = () => {
        cancel()
        resolve()
      }
    })
  }
}
