/** Watches over secrets: what a server says anywhere (log, answers, close reasons, headers) is collected and must hold none in clear. */
import { expect } from 'vitest'

export class SecretWatch {
  readonly #secrets = new Set<string>()
  readonly #said: { where: string, text: string }[] = []

  /** @returns the same text, to be used and never to be seen again */
  keep(secret: string): string {
    // Of what has parts the last one proves it: the secret of a token, the signature of a JWT.
    const proof = secret.split(/[_.]/).at(-1)!
    for (const text of [secret, proof]) if (text.length >= 16) this.#secrets.add(text)
    return secret
  }

  said(where: string, text: string): void {
    this.#said.push({ where, text })
  }

  /** @param log lines of the server, parsed */
  expectNone(log: readonly unknown[]): void {
    expect(this.#secrets.size, 'there is something to watch over').toBeGreaterThan(0)
    const all = [...this.#said, ...log.map(line => ({ where: 'log', text: JSON.stringify(line) }))]
    const found = all.flatMap(({ where, text }) => [...this.#secrets].flatMap(secret => text.includes(secret) ? [`${where}: ${secret.slice(0, 6)}…`] : []))
    expect(found).toEqual([])
  }
}
