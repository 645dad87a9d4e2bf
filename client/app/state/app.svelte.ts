/** The whole app's state in one place: what exists once, and how a conversation is opened. */
import { Clock } from './clock.svelte.ts'
import { ComposerTexts } from './composer-texts.ts'
import { ConversationList } from './conversation-list.svelte.ts'
import { Network } from './network.svelte.ts'
import { OpenConversation } from './open-conversation.svelte.ts'
import { conversationPath, joinPath } from './route.ts'
import { Router } from './router.svelte.ts'
import type { AgentInfo, Sdk } from './sdk.ts'
import { Session } from './session.svelte.ts'
import { Theme } from './theme.svelte.ts'

export class AppState {
  readonly #sdk: Sdk
  readonly #window: Window
  readonly #texts: ComposerTexts
  readonly router: Router
  readonly theme: Theme
  readonly network: Network
  readonly clock = new Clock()
  readonly session: Session
  readonly list: ConversationList

  constructor(sdk: Sdk, window: Window) {
    this.#sdk = sdk
    this.#window = window
    this.#texts = new ComposerTexts(window.localStorage)
    this.router = new Router(window)
    this.theme = new Theme(window)
    this.network = new Network(window)
    this.session = new Session(sdk, window.localStorage)
    this.list = new ConversationList(sdk)
  }

  /** Begins to follow the address bar, the clock, the server's list. @returns how to stop */
  start(): () => void {
    const stops = [this.router.start(), this.clock.start(), this.list.start()]
    return () => stops.forEach(stop => stop())
  }

  agentName = (id: string): string => this.session.agent(id)?.name ?? 'Assistant'

  /** What people should know of an agent; null when there is nothing to warn of. */
  agentNote = (agent: AgentInfo | undefined): string | null => agent && !agent.isLanguageModel ? 'not a language model' : null

  newChat(): void {
    this.router.go(conversationPath(this.#sdk.createConversationId()))
  }

  open(id: string): OpenConversation {
    return new OpenConversation(this.#sdk.openConversation(id), {
      id,
      selfId: this.session.me?.id ?? '',
      agentName: this.agentName,
      texts: this.#texts,
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
    return this.#window.location.origin + joinPath(await this.#sdk.invite(id, role))
  }

  async join(secret: string): Promise<void> {
    const id = await this.#sdk.acceptInvitation(secret)
    void this.list.refresh()
    this.router.go(conversationPath(id), { replace: true })
  }
}
