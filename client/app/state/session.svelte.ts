/** Who the person is and which agents the server has; remembered on this device, so that the app opens at once and without a network. */
import type { Me, Sdk } from './sdk.ts'

const KEY = 'skein.me'

export type AgentInfo = Me['agents'][number]

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
      const me = await this.#sdk.me()
      if (JSON.stringify(me) !== JSON.stringify(this.me)) this.me = me
      this.problem = null
      this.#storage.setItem(KEY, JSON.stringify(me))
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

/** This page wrote it; an older version may have written less. */
const isMe = (value: unknown): value is Me =>
  typeof value === 'object' && value !== null && 'principal' in value && typeof value.principal === 'object' && value.principal !== null
  && 'id' in value.principal && 'name' in value.principal && 'agents' in value && Array.isArray(value.agents)
  && 'defaultAgent' in value && 'limits' in value
