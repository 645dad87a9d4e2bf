/** The list of conversations: from this device at once, from the server's feed as it changes. */
import type { ListedConversation, Sdk } from './sdk.ts'

export class ConversationList {
  readonly #sdk: Pick<Sdk, 'listConversations' | 'subscribeFeed'>
  items: ListedConversation[] = $state.raw([])
  loaded: boolean = $state(false)

  constructor(sdk: Pick<Sdk, 'listConversations' | 'subscribeFeed'>) {
    this.#sdk = sdk
  }

  /** @returns how to stop */
  start(): () => void {
    void this.refresh()
    return this.#sdk.subscribeFeed(list => this.#take(list))
  }

  async refresh(): Promise<void> {
    try {
      this.#take(await this.#sdk.listConversations())
    } catch {
      this.loaded = true // not reachable: what is shown stays, and the feed brings the rest when it can
    }
  }

  #take(list: readonly ListedConversation[]): void {
    this.items = list.toSorted((a, b) => b.updatedAt - a.updatedAt)
    this.loaded = true
  }
}
