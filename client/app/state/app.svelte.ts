/** The whole app's state in one place: what exists once, and how a conversation is opened. */
import { SvelteSet } from 'svelte/reactivity'
import { AccountState } from './account.svelte.ts'
import { BackgroundPasses } from './background-passes.ts'
import { Clock } from './clock.svelte.ts'
import { ComposerTexts } from './composer-texts.ts'
import { ConversationList } from './conversation-list.svelte.ts'
import { KeptChoices } from './kept-choices.ts'
import { Network } from './network.svelte.ts'
import { OpenConversation } from './open-conversation.svelte.ts'
import { conversationPath, joinPath } from './route.ts'
import { Router } from './router.svelte.ts'
import type { Me, Sdk, Who } from './sdk.ts'
import { Session } from './session.svelte.ts'
import { Theme } from './theme.svelte.ts'

export class AppState {
  readonly #sdk: Sdk
  readonly #window: Window
  readonly #choices: KeptChoices
  /** Conversations that were written in since the page was loaded. */
  readonly #writtenHere = new SvelteSet<string>()
  #latestNew: string | null = null
  /** Conversations whose stores this page uses; one that is closing may be open again already. */
  #open: readonly { id: string }[] = []
  readonly router: Router
  readonly theme: Theme
  readonly network: Network
  readonly clock = new Clock()
  readonly session: Session
  readonly account: AccountState
  readonly list = new ConversationList()
  #passes: BackgroundPasses | null = null

  constructor(sdk: Sdk, window: Window) {
    this.#sdk = sdk
    this.#window = window
    this.#choices = new KeptChoices(window.localStorage)
    this.router = new Router(window)
    this.theme = new Theme(window)
    this.network = new Network(window)
    this.session = new Session(sdk, window.localStorage)
    this.account = new AccountState(sdk, this.session, window.localStorage)
  }

  /** Begins to follow the address bar and the clock. @returns how to stop */
  start(): () => void {
    const stops = [this.router.start(), this.clock.start(), this.session.start(this.#window), this.account.start()]
    return () => stops.forEach(stop => stop())
  }

  /** Shows the list of this person; each time that the server has told it, what it names is brought here. @returns how to stop */
  showList(who: Who): () => void {
    const isOpen = (id: string) => this.#open.some(open => open.id === id)
    const passes = new BackgroundPasses(signal => this.#sdk.syncInBackground(who, isOpen, signal))
    const stop = this.list.follow(this.#sdk.openList(who, () => passes.request()))
    this.#passes = passes
    void this.account.payClears()
    return () => {
      passes.stop()
      if (this.#passes === passes) this.#passes = null
      stop()
    }
  }

  /** Tries to send what waits in conversations that are not open; those that are open send by themselves. */
  sendWaiting(): void {
    this.#passes?.request()
  }

  agentName = (id: string): string => this.session.agent(id)?.name ?? 'Assistant'

  /** What people should know of an agent; null when there is nothing to warn of. */
  agentNote = (id: string): string | null => this.session.agent(id)?.isLanguageModel === false ? 'not a language model' : null

  /** Opens a conversation in which nothing was said: the one that there is, so that they do not pile up, else a new one. */
  newChat(): void {
    this.#latestNew = this.#unused() ?? this.#sdk.createConversationId()
    this.router.go(conversationPath(this.#latestNew))
  }

  #unused(): string | null {
    const { items } = this.list
    const empty = items.filter(({ role, title, messageCount }) => role === 'owner' && title === '' && messageCount === 0).map(({ id }) => id)
    // The list may not know the latest one yet.
    const latest = this.#latestNew !== null && !items.some(({ id }) => id === this.#latestNew) ? [this.#latestNew] : []
    return [...latest, ...empty].find(id => !this.#writtenHere.has(id)) ?? null
  }

  open(id: string, me: Me): OpenConversation {
    const open = { id }
    this.#open = [...this.#open, open]
    return new OpenConversation(this.#sdk.openConversation(id, me.principal), {
      id,
      isSelf: id => id === me.principal.id || (me.principal.aliases?.includes(id) ?? false),
      agentName: this.agentName,
      texts: new ComposerTexts(this.#window.localStorage, this.#window.sessionStorage, me.principal.id),
      choices: this.#choices,
      onstored: () => {
        this.#writtenHere.add(id)
        this.list.refresh()
      },
      onclosed: () => { this.#open = this.#open.filter(other => other !== open) },
      clock: {
        now: Date.now,
        after: (milliseconds, then) => {
          const timer = setTimeout(then, milliseconds)
          return () => clearTimeout(timer)
        }
      }
    })
  }

  /** @returns a link that lets its bearer in */
  async invite(id: string, role: 'editor' | 'viewer'): Promise<string> {
    const { secret } = await this.#sdk.invite(id, { role })
    return this.#window.location.origin + joinPath(secret)
  }

  async join(secret: string): Promise<void> {
    const { kind, id } = await this.#sdk.acceptInvitation(secret)
    // An artifact has no screen here: its address would begin a conversation under its id.
    this.router.go(kind === 'conversation' ? conversationPath(id) : '/', { replace: true })
  }
}
