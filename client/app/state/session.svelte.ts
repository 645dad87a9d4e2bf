/** Who the person is and which agents the server has; remembered on this device, so that the app opens without a network. */
import type { AgentInfo, Me, Sdk } from './sdk.ts'

const KEY = 'skein.me'

export class Session {
  readonly #sdk: Pick<Sdk, 'me'>
  readonly #storage: Pick<Storage, 'getItem' | 'setItem'>
  /** Null until the server has told once on this device. */
  me: Me | null = $state.raw(null)
  /** Why it is not known who the person is, in words for people. */
  problem: string | null = $state(null)

  constructor(sdk: Pick<Sdk, 'me'>, storage: Pick<Storage, 'getItem' | 'setItem'>) {
    this.#sdk = sdk
    this.#storage = storage
    this.me = this.#remembered()
  }

  /** Asks the server; when it cannot be reached, what is remembered counts. */
  async refresh(): Promise<void> {
    try {
      this.me = await this.#sdk.me()
      this.problem = null
      this.#storage.setItem(KEY, JSON.stringify(this.me))
    } catch (error) {
      this.problem = this.me ? null : error instanceof Error ? error.message : 'The server did not answer.'
    }
  }

  agent(id: string): AgentInfo | undefined {
    return this.me?.agents.find(agent => agent.id === id)
  }

  #remembered(): Me | null {
    try {
      const value: unknown = JSON.parse(this.#storage.getItem(KEY) ?? 'null')
      return isMe(value) ? value : null
    } catch {
      return null // storage is off or holds something else: the server is asked anyway
    }
  }
}

const isMe = (value: unknown): value is Me =>
  typeof value === 'object' && value !== null && 'id' in value && typeof value.id === 'string'
  && 'name' in value && typeof value.name === 'string' && 'agents' in value && Array.isArray(value.agents)
