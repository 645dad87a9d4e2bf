/** System prompts that the person keeps, for the page. Their home is opened when they are first looked at, or where this device has it. */
import type { Home, HomeView, Sdk, Who } from './sdk.ts'

export class PromptLibrary {
  readonly #sdk: Pick<Sdk, 'openHome'>
  #home: Promise<Home | null> | null = null
  #closed = false
  view: HomeView = $state.raw({ prompts: [], loaded: false, hasUnsaved: false, storageProblem: null })
  /** Why the last change was not made. */
  problem: string | null = $state(null)

  constructor(sdk: Pick<Sdk, 'openHome'>) {
    this.#sdk = sdk
  }

  /** @param onlyIfHeld when this device holds the person's home, so that what was changed offline is sent */
  open(who: Who, onlyIfHeld = false): Promise<Home | null> {
    const open = async (): Promise<Home | null> => {
      const home = await this.#sdk.openHome(who, onlyIfHeld)
      if (home && this.#closed) void home.close()
      else if (home) {
        this.view = home.view()
        home.subscribe(() => { this.view = home.view() })
      }
      return home
    }
    this.#home = this.#home ? this.#home.then(home => home ?? open()) : open()
    return this.#home
  }

  close(): void {
    this.#closed = true
    void this.#home?.then(home => home?.close())
  }

  /** @returns whether it was kept */
  async keep(prompt: { id?: string | undefined, name: string, text: string }): Promise<boolean> {
    return this.#change(home => home.keepPrompt(prompt))
  }

  async remove(id: string): Promise<boolean> {
    return this.#change(home => home.removePrompt(id))
  }

  async #change(change: (home: Home) => unknown): Promise<boolean> {
    const home = await this.#home
    if (!home) return false
    try {
      change(home)
      this.view = home.view()
      this.problem = null
      return true
    } catch (error) {
      this.problem = error instanceof Error ? error.message : String(error)
      return false
    }
  }
}
