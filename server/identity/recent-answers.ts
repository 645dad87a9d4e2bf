/** Answers to the latest questions, each asked once however many ask it at the same time. */
export class RecentAnswers<Question, Answer> {
  readonly #most: number
  readonly #answers = new Map<Question, Promise<Answer>>()

  /** @param most answers that are remembered; past that the one that came first is asked for again */
  constructor(most: number) {
    this.#most = most
  }

  get(question: Question, ask: () => Promise<Answer>): Promise<Answer> {
    const known = this.#answers.get(question)
    if (known) return known
    const answer = ask()
    this.#keep(question, answer)
    answer.catch(() => {
      if (this.#answers.get(question) === answer) this.#answers.delete(question)
    })
    return answer
  }

  /** The answer may have changed. */
  drop(question: Question): void {
    this.#answers.delete(question)
  }

  #keep(question: Question, answer: Promise<Answer>): void {
    this.#answers.delete(question)
    if (this.#answers.size >= this.#most) this.#answers.delete(this.#answers.keys().next().value!)
    this.#answers.set(question, answer)
  }
}
