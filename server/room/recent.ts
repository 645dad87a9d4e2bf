/** The last few answers, by what was asked: pages that were open when a server stopped come back with the same question. */

export class Recent<Answer> {
  readonly #most: number
  readonly #answers = new Map<string, Answer>()

  constructor(most: number) {
    this.#most = most
  }

  get(question: Uint8Array): Answer | undefined {
    return this.#answers.get(keyOf(question))
  }

  set(question: Uint8Array, answer: Answer): Answer {
    const [oldest] = this.#answers.keys()
    if (this.#answers.size >= this.#most && oldest !== undefined) this.#answers.delete(oldest)
    this.#answers.set(keyOf(question), answer)
    return answer
  }

  clear(): void {
    this.#answers.clear()
  }
}

const keyOf = ({ buffer, byteOffset, length }: Uint8Array): string => Buffer.from(buffer, byteOffset, length).toString('latin1')
