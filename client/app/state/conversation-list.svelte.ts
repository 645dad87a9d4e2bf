/** The list of conversations as the page shows it. */
import type { ConversationListItem, Sdk } from './sdk.ts'

type SdkList = ReturnType<Sdk['openList']>

export class ConversationList {
  /** Newest first. */
  items: readonly ConversationListItem[] = $state.raw([])
  /** What this device holds has been read. */
  loaded: boolean = $state(false)
  #list: SdkList | null = null

  /** Shows this list from now on. @returns how to stop */
  follow(list: SdkList): () => void {
    const take = () => { this.items = list.view() }
    this.#list = list
    const unsubscribe = list.subscribe(take)
    void list.ready.then(() => {
      this.loaded = true
      take()
    })
    return () => {
      unsubscribe()
      list.close()
      this.#list = null
      this.items = []
      this.loaded = false
    }
  }

  /** Looks again at what this device has not sent. */
  refresh(): void {
    void this.#list?.refresh()
  }
}
