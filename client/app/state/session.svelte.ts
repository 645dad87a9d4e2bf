/**
 * Who the person is and which agents the server has; remembered on this device, so that the app opens at once and without a network. All
 * tabs follow when somebody else comes to be signed in: what this page has open of one person is closed before another's is opened, and
 * what a guest kept here becomes the account's that they are now.
 */
import type { Me, Sdk } from './sdk.ts'

const KEY = 'skein.me'

export type AgentInfo = Me['agents'][number]

/** Why a device proves its person no more. `ended`: the session is over, and the server does not say how that came. */
export type LeftKind = NonNullable<Me['before']> | 'ended'

export class Session {
  readonly #sdk: Pick<Sdk, 'me' | 'keeps' | 'leaveStores' | 'takeOver'>
  readonly #storage: Pick<Storage, 'getItem' | 'setItem'>
  /** Null until the server has told once on this device, and while another person takes the place of one. */
  me: Me | null = $state.raw(null)
  /** Why it is not known who the person is, in words for people. */
  problem: string | null = $state(null)
  /** What a guest kept here could not be taken over yet. */
  takeOverProblem: string | null = $state(null)
  /** Name of who was signed in here until just now; null once it is noticed, or when nobody was. */
  ended: string | null = $state(null)
  /** What this device was until now proves nobody any more; called before that is forgotten. */
  onleft: (left: { userId: string, name: string, kind: LeftKind }) => void = () => {}
  /** All that this person kept here is about to go, because they signed out in another tab and wanted that. */
  isCleared: (userId: string) => boolean = () => false
  /** Somebody is shown, with nothing of anybody else open; in every tab, whichever asked the server. */
  onshown: (who: Me['principal']) => Promise<void> = async () => {}
  /** One change at a time. */
  #changes: Promise<void> = Promise.resolve()

  constructor(sdk: Pick<Sdk, 'me' | 'keeps' | 'leaveStores' | 'takeOver'>, storage: Pick<Storage, 'getItem' | 'setItem'>) {
    this.#sdk = sdk
    this.#storage = storage
    const remembered = this.#remembered()
    if (!remembered) return
    // What a page that died had begun to take over is gone on with before anything is opened.
    if (remembered.principal.aliases) void this.#inTurn(() => this.#show(remembered))
    else this.me = remembered
  }

  /** Begins to follow the other tabs. @returns how to stop */
  start(window: Pick<Window, 'addEventListener' | 'removeEventListener'>): () => void {
    const follow = ({ key }: StorageEvent): void => {
      const told = key === KEY ? this.#remembered() : null
      if (told) {
        void this.#inTurn(async () => {
          await this.#show(told)
          await this.onshown(told.principal)
        })
      }
    }
    window.addEventListener('storage', follow)
    return () => window.removeEventListener('storage', follow)
  }

  /** Asks the server; when it cannot be reached, what is remembered counts. */
  refresh(): Promise<void> {
    return this.#inTurn(async () => {
      try {
        const before = this.#remembered()
        const me = await this.#sdk.me(before?.device === undefined ? {} : { user: before.principal.id, device: before.device })
        // Who has become the one that is signed in now has left nobody.
        const isTheSame = before !== null && me.principal.aliases?.includes(before.principal.id)
        const kind = me.before ?? (before?.principal.kind === 'user' && me.principal.kind === 'guest' ? 'ended' : null)
        if (before && kind && !isTheSame) this.onleft({ userId: before.principal.id, name: before.principal.name, kind })
        // First, so that a page that dies from here on begins with it, and the other tabs close what they have open.
        this.#storage.setItem(KEY, JSON.stringify(me))
        await this.#show(me)
        await this.onshown(me.principal)
        this.problem = null
      } catch (error) {
        this.problem = this.me ? null : error instanceof Error ? error.message : 'The server did not answer.'
      }
    })
  }

  agent(id: string): AgentInfo | undefined {
    return this.me?.agents.find(agent => agent.id === id)
  }

  async #show(me: Me): Promise<void> {
    if (JSON.stringify(me) === JSON.stringify(this.me)) return
    const { id, aliases = [] } = me.principal
    const before = this.me?.principal
    const left = before?.id
    if (me.principal.kind === 'user') this.ended = null
    else if (before?.kind === 'user') this.ended = this.isCleared(before.id) ? null : before.name
    if (left !== undefined && left !== id) {
      this.me = null
      await this.#sdk.leaveStores(left)
    }
    const guests = await this.#withStores(aliases)
    if (guests.length > 0) {
      this.me = null
      await this.#takeOver(guests, id)
    }
    this.me = me
  }

  /** Few of the guests were here. */
  async #withStores(guests: readonly string[]): Promise<string[]> {
    const keeps = await Promise.all(guests.map(guest => this.#sdk.keeps(guest)))
    return guests.filter((_, i) => keeps[i])
  }

  async #takeOver(guests: readonly string[], account: string): Promise<void> {
    // The account's own are closed too: what is taken over is read when they are opened.
    await this.#sdk.leaveStores(account)
    try {
      for (const guest of guests) await this.#sdk.takeOver(guest, account)
      this.takeOverProblem = null
    } catch {
      this.takeOverProblem = 'What this browser kept before you signed in could not be taken over. Nothing of it is lost; reload the page to try again.'
    }
  }

  #inTurn(change: () => Promise<void>): Promise<void> {
    this.#changes = this.#changes.then(change, change)
    return this.#changes
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
