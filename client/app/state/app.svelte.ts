/** The whole app's state in one place: what exists once, and how a conversation is opened. */
import { SvelteSet } from 'svelte/reactivity'
import { SkeinError } from '../../../shared/errors.ts'
import { AccountState } from './account.svelte.ts'
import { BackgroundPasses } from './background-passes.ts'
import { Clock } from './clock.svelte.ts'
import { ComposerTexts } from './composer-texts.ts'
import { ConversationList } from './conversation-list.svelte.ts'
import { KeptChoices } from './kept-choices.ts'
import { Network } from './network.svelte.ts'
import { OpenConversation } from './open-conversation.svelte.ts'
import { PromptLibrary } from './prompt-library.svelte.ts'
import { PeopleOf } from './people.svelte.ts'
import { conversationPath } from './route.ts'
import { Removal } from './removal.svelte.ts'
import { Router } from './router.svelte.ts'
import type { AdminApi, BotsApi, DevicesApi, Me, Sdk, Who } from './sdk.ts'
import { Session } from './session.svelte.ts'
import { Theme } from './theme.svelte.ts'

export class AppState {
  readonly #sdk: Sdk
  readonly #window: Window
  readonly #choices: KeptChoices
  /** Conversations that were written in since the page was loaded. */
  readonly #writtenHere = new SvelteSet<string>()
  #latestNew: string | null = null
  /** Conversations that somebody began on this page or was let into, under their id: the list may not know them yet. */
  readonly #come = new SvelteSet<string>()
  /** Conversations that were begun here before it was known who the person is: they are whoever's that is. */
  readonly #begunEarly = new SvelteSet<string>()
  /** Conversations whose stores this page uses; one that is closing may be open again already. */
  #open: readonly { id: string }[] = []
  readonly router: Router
  readonly theme: Theme
  readonly network: Network
  readonly clock = new Clock()
  readonly session: Session
  readonly account: AccountState
  readonly removal: Removal
  readonly list = new ConversationList()
  /** Of who is shown. */
  prompts: PromptLibrary = $state.raw()!
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
    this.removal = new Removal(sdk, window.localStorage)
    this.session.isCleared = this.account.isCleared
    this.prompts = new PromptLibrary(sdk)
    this.session.onleft = left => {
      if (left.kind !== 'ended' || !this.account.hasDecided(left.userId)) this.removal.note(left)
    }
    this.session.onshown = who => this.removal.look(who)
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
    const stop = this.list.follow(this.#sdk.openList(who, {
      listed: () => passes.request(),
      // With no conversation open, nothing else notices that the session has ended.
      refused: () => void this.session.refresh()
    }))
    this.#passes = passes
    void this.account.payClears()
    const prompts = this.prompts = new PromptLibrary(this.#sdk)
    void prompts.open(who, true)
    return () => {
      prompts.close()
      passes.stop()
      if (this.#passes === passes) this.#passes = null
      // Whoever comes next begins their own.
      this.#latestNew = null
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
    this.#noteCome(this.#latestNew)
    this.router.go(conversationPath(this.#latestNew))
  }

  #unused(): string | null {
    const { items } = this.list
    const empty = items.filter(({ role, title, messageCount }) => role === 'owner' && title === '' && messageCount === 0).map(({ id }) => id)
    // The list may not know the latest one yet.
    const latest = this.#latestNew !== null && !items.some(({ id }) => id === this.#latestNew) ? [this.#latestNew] : []
    return [...latest, ...empty].find(id => !this.#writtenHere.has(id)) ?? null
  }

  /** Whether the conversation is known to be the person's, so that it can be opened at once. */
  knows(id: string, me: Me): boolean {
    return this.#come.has(`${me.principal.id} ${id}`) || this.#begunEarly.has(id) || this.list.items.some(item => item.id === id)
  }

  #noteCome(id: string): void {
    if (this.session.me) this.#come.add(`${this.session.me.principal.id} ${id}`)
    else this.#begunEarly.add(id)
  }

  /**
   * Looks whether there is a conversation of the person's at an address. One that is opened is made where there is none: nobody wants that
   * of a word that was typed into the address bar.
   * @returns null: there is; else why it cannot be opened
   */
  async whyNotHere(id: string, me: Me): Promise<SkeinError | null> {
    if (await this.#sdk.has(id, me.principal)) return null
    return this.#sdk.members(id).then(() => null, (error: unknown) => error instanceof SkeinError ? error : new SkeinError('internal'))
  }

  open(id: string, me: Me): OpenConversation {
    const open = { id }
    this.#open = [...this.#open, open]
    return new OpenConversation(this.#sdk.openConversation(id, me.principal), {
      ...this.#about(id, id => id === me.principal.id || (me.principal.aliases?.includes(id) ?? false), me.principal.id),
      onstored: () => {
        this.#writtenHere.add(id)
        this.list.refresh()
      },
      onclosed: () => { this.#open = this.#open.filter(other => other !== open) }
    })
  }

  /** Who belongs to a conversation, and the links that let people in. */
  people(id: string): PeopleOf {
    return new PeopleOf(this.#sdk, id, this.#window.location.origin)
  }

  /** What a share link lets read. Rejects with words for people when it is no good (any more). */
  async openShared(secret: string): Promise<OpenConversation> {
    const { id, conversation } = await this.#sdk.openShared(secret)
    return new OpenConversation(conversation, { ...this.#about(id, () => false, ''), onstored: () => {}, onclosed: () => {} })
  }

  #about(id: string, isSelf: (id: string) => boolean, userId: string) {
    return {
      id,
      isSelf,
      agentName: this.agentName,
      texts: new ComposerTexts(this.#window.localStorage, this.#window.sessionStorage, userId),
      choices: this.#choices,
      clock: {
        now: Date.now,
        after: (milliseconds: number, then: () => void) => {
          const timer = setTimeout(then, milliseconds)
          return () => clearTimeout(timer)
        }
      }
    }
  }

  admin(): Promise<AdminApi> {
    return this.#sdk.admin()
  }

  devices(): Promise<DevicesApi> {
    return this.#sdk.devices()
  }

  bots(): Promise<BotsApi> {
    return this.#sdk.bots()
  }

  /** Everything of the person was deleted on the server: it goes from this device too. */
  async leaveForGood(): Promise<void> {
    const from = this.router.current
    const left = this.session.me?.principal.id
    await this.session.refresh()
    this.session.ended = null
    if (left !== undefined) await this.#sdk.clear(left)
    this.removal.later()
    this.router.moveOn(from, '/')
  }

  async join(secret: string): Promise<void> {
    const from = this.router.current
    const { kind, id } = await this.#sdk.acceptInvitation(secret)
    this.#noteCome(id)
    // An artifact has no screen here: its address would begin a conversation under its id.
    this.router.moveOn(from, kind === 'conversation' ? conversationPath(id) : '/')
  }
}
