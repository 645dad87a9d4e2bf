/** The conversation that is open: the SDK's snapshots made ready for the page, and what the person does in it. */
import { mentionedIn, writersWith } from '../../../shared/conversation/asked.ts'
import type { NamedAgent } from '../../../shared/conversation/asked.ts'
import type { Mode } from '../../../shared/conversation/mode.ts'
import { isFinished, textOf } from '../../../shared/conversation/read.ts'
import type { ContextReference } from '../../../shared/conversation/schema.ts'
import type { AgentId, MessageId, RequestId, RunId } from '../../../shared/ids.ts'
import { limits } from '../../../shared/limits.ts'
import type { ConversationActions } from './actions.ts'
import type { ComposerTexts } from './composer-texts.ts'
import type { ConnectionNotice } from './connection-notice.ts'
import { ConnectionWatch } from './connection-watch.ts'
import type { WatchClock } from './connection-watch.ts'
import type { KeptChoices } from './kept-choices.ts'
import { presenceOf } from './presence.ts'
import { ReplyAnnouncer } from './reply-announcer.ts'
import type { Conversation, ConversationView } from './sdk.ts'
import { botsIn, buildTimeline, THUMBS_UP } from './timeline.ts'
import { Typing } from './typing.ts'

/** Messages that are rendered at first: those that are there before the document is read, so that nothing moves when it is. */
const PAGE = limits.latestMessages
/** How many more with each "show earlier". */
const MORE = 200

export interface OpenOptions {
  id: string
  /** Whether this is an id of the person's, that or one that they had as a guest. */
  isSelf: (userId: string) => boolean
  agentName: (agentId: string) => string
  texts: ComposerTexts
  choices: KeptChoices
  /** Something that the person wrote is stored on this device. */
  onstored: () => void
  /** Nothing of the conversation is in use here any more. */
  onclosed: () => void
  clock: WatchClock
}

export class OpenConversation implements ConversationActions {
  readonly id: string
  readonly #conversation: Conversation
  readonly #options: OpenOptions
  readonly #watch: ConnectionWatch
  readonly #typing: Typing
  readonly #announcer = new ReplyAnnouncer()
  readonly #unsubscribe: () => void
  #networkUp = true
  /** The server was asked once more since it closed for good. */
  #triedAgain = false
  #following = true

  view: ConversationView = $state.raw()!
  notice: ConnectionNotice = $state('none')
  /** For screen readers: the reply that just came in whole. */
  announcement: string = $state('')
  text: string = $state('')
  /** The refused message that the composer's text is to replace. */
  editing: RequestId | null = $state(null)
  /** Files and folders of the server that go with the next message. */
  context: readonly ContextReference[] = $state.raw([])
  /** How often the person sent something here. */
  sent: number = $state(0)
  #limit: number = $state(PAGE)

  readonly timeline = $derived.by(() => buildTimeline(this.view, this.#options, this.#limit))
  readonly presence = $derived.by(() => presenceOf(this.view, this.#options))
  /** What is asked for now is soon with the server. */
  readonly reached = $derived.by(() => this.notice !== 'offline' && this.notice !== 'unreachable')
  readonly usage = $derived.by(() => this.view && this.#conversation.usage())
  /** How many replies are being given. */
  readonly running = $derived.by(() => this.view.runs.filter(run => !isFinished(run)).length)
  /** All that is being written was asked to stop, by this device. */
  readonly stopping = $derived.by(() => this.running > 0 && this.view.runs.every(run => isFinished(run) || this.#isStopping(run.id)))
  /** Others may write here too. */
  readonly shared = $derived.by(() => writersWith(this.#options.isSelf, this.view.members) > 1)
  /** That have said something in what is shown. */
  readonly bots: readonly NamedAgent<string>[] = $derived.by(() => botsIn(this.view.messages))
  readonly writable = $derived.by(() => this.view.role !== 'viewer' && this.view.closedBy === null)

  constructor(conversation: Conversation, options: OpenOptions) {
    this.#conversation = conversation
    this.#options = options
    this.id = options.id
    this.view = conversation.view()
    this.text = options.texts.read(options.id)
    this.#watch = new ConnectionWatch(options.clock, notice => { this.notice = notice })
    this.#typing = new Typing(options.clock, typing => conversation.setTyping(typing))
    this.#unsubscribe = conversation.subscribe(() => this.#take(conversation.view()))
    if (this.view.loaded) this.#chooseAsBefore()
    this.#take(this.view)
  }

  close(): void {
    this.#triedAgain = true
    this.#unsubscribe()
    this.#watch.stop()
    this.#typing.stop()
    void this.#conversation.close().then(() => this.#options.onclosed())
  }

  /** Connects once more where the server had closed for good; nothing when it closes again without having let one in. */
  tryAgain(): void {
    if (this.#triedAgain || this.view.closedBy === null) return
    this.#triedAgain = true
    this.#conversation.connect()
  }

  set networkUp(up: boolean) {
    this.#networkUp = up
    this.#watch.update(this.view.connection === 'online', up)
  }

  set following(following: boolean) {
    this.#following = following
    if (following) this.#limit = Math.min(this.#limit, PAGE + MORE)
  }

  showEarlier(): void {
    this.#limit += MORE
  }

  /** The composer's text is this now; it is kept across reloads. */
  type(text: string): void {
    this.text = text
    this.#options.texts.keep(this.id, text)
    this.#typing.keyPressed(text !== '')
  }

  /** What the person has written so far asks nobody, since it mentions none of these. */
  asksNobody(agents: readonly NamedAgent<string>[]): boolean {
    return this.shared && !this.view.answersAlways && this.text.trim() !== '' && mentionedIn(this.text, agents).length === 0
  }

  /** @param path with `/` at its end, or the name of a root alone: a folder */
  addContext(path: string): void {
    const name = path.replace(/^\/+|\/+$/g, '')
    const isFolder = path.endsWith('/') || !name.includes('/')
    if (name !== '') this.context = [...this.context.filter(each => each.path !== name), { path: name, isFolder }]
  }

  removeContext(path: string): void {
    this.context = this.context.filter(each => each.path !== path)
  }

  send(): void {
    // Blank lines around it go, the indentation of its first line stays.
    const text = this.text.replace(/^(?:[^\S\n]*\n)+/, '').trimEnd()
    if (!text) return
    const corrected = this.editing
    const context = this.context
    this.editing = null
    this.text = ''
    this.context = []
    this.#typing.keyPressed(false)
    this.sent++
    void this.#send(text, context, corrected)
  }

  /** The kept composer text, and the refused message that this one corrects, go only when the new one is stored. */
  async #send(text: string, context: readonly ContextReference[], corrected: RequestId | null): Promise<void> {
    await this.#conversation.send(text, { mode: this.view.mode, context: [...context] })
    if (corrected) await this.#conversation.discard(corrected)
    this.#options.texts.keep(this.id, this.text)
    this.#options.onstored()
  }

  stopReplies(): void {
    for (const run of this.view.runs) if (!isFinished(run)) this.#stop(run.id)
  }

  stop = (replyId: string): void => {
    const run = this.view.runs.find(each => each.replyId === replyId)
    if (run && !isFinished(run)) this.#stop(run.id)
  }

  #stop(runId: RunId): void {
    if (!this.#isStopping(runId)) void this.#conversation.stop(runId)
  }

  #isStopping(runId: RunId): boolean {
    return this.view.wanted.some(request => request.type === 'stop' && request.runId === runId)
  }

  /** Who answers here from now on, for everybody. */
  chooseAgent(id: string): void {
    void this.#conversation.setMeta('agent', id)
  }

  /** Where several people write: whether the agent answers every message or only those that mention it, for everybody. */
  answerAlways(always: boolean): void {
    void this.#conversation.setMeta('answers', always ? 'always' : 'mentioned')
  }

  /** How agents work on what is said here from now on, for everybody. */
  chooseMode(mode: Mode): void {
    void this.#conversation.setMeta('mode', mode)
  }

  /** What agents are told here from now on, for everybody; empty: nothing. */
  usePrompt(text: string): void {
    void this.#conversation.setMeta('system', text)
  }

  rename(title: string): void {
    void this.#conversation.setMeta('title', title)
  }

  regenerate = (id: MessageId, agentId?: string): void => {
    // The new version is what the person asked to see.
    this.#keepChoice(id, null)
    void this.#conversation.regenerate(id, agentId as AgentId | undefined)
  }

  retry = (id: MessageId): void => {
    this.#keepChoice(id, null)
    void this.#conversation.retry(id)
  }

  continue = (id: MessageId): void => {
    this.#keepChoice(id, null)
    void this.#conversation.continue(id)
  }

  redact = (id: MessageId): void => void this.#conversation.redact(id)
  thumbsUp = (id: MessageId, on: boolean): void => void this.#conversation.react(id, THUMBS_UP, on)
  choose = (id: string): void => {
    this.#keepChoice(id, id)
    this.#conversation.choose(id as MessageId)
  }

  // Refused only when it was sent again or discarded already, and then the page shows that.
  resend = (id: RequestId): void => void this.#conversation.resend(id).catch(() => undefined)

  edit = (id: RequestId): void => {
    const refused = this.view.messages.find(({ message }) => (message.id as string) === id)
    if (!refused) return
    this.editing = id
    this.type(textOf(refused.message.parts))
  }

  cancelEdit(): void {
    this.editing = null
    this.type('')
  }

  discard = (id: RequestId): void => {
    if (this.editing === id) this.editing = null
    void this.#conversation.discard(id)
  }

  #keepChoice(id: string, chosen: string | null): void {
    const alternatives = this.view.messages.find(shown => shown.alternatives.includes(id))?.alternatives ?? [id]
    this.#options.choices.keep(this.id, chosen, alternatives)
  }

  /** Choices of earlier page loads; the view that shows them follows at once. */
  #chooseAsBefore(): void {
    for (const id of this.#options.choices.read(this.id)) this.#conversation.choose(id as MessageId)
  }

  #take(view: ConversationView): void {
    // Who reads further up keeps what they read: new messages at the end must not push out the first ones.
    if (!this.#following && this.view.loaded) this.#limit += Math.max(0, view.messages.length - this.view.messages.length)
    if (view.loaded && !this.view.loaded) this.#chooseAsBefore()
    this.view = view
    // It ended by itself, or another device was first: what was asked for is so.
    for (const { id, request, refusal } of view.refused) if (request.type === 'stop' && refusal?.code === 'run-finished') this.discard(id)
    if (view.connection === 'online') this.#triedAgain = false
    this.#watch.update(view.connection === 'online', this.#networkUp)
    this.announcement = this.#announcer.next(view, this.#options.agentName) ?? this.announcement
  }
}
