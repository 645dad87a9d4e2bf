/** Where the bots' programs find what they are asked, and give their replies: between runs, which wait here, and the API. */
import type { Message, RunState } from '../../shared/conversation/schema.ts'
import type { SkeinError } from '../../shared/errors.ts'
import type { BotId, DocumentName, RunId } from '../../shared/ids.ts'

/** What a bot is asked. */
export interface Asked {
  run: RunId
  conversation: DocumentName
  /** The message to answer. */
  message: Message
  /** What readers have seen of this reply before: a person asked to go on with it. */
  already: string
}

export interface BotListener {
  asked(asked: Asked): void
  /** It needs no answer any more: it has one, was stopped, or has waited too long. */
  over(run: RunId): void
}

/** A reply that is being given, by one program. */
export interface GivenReply {
  /** Resolves when more may be said: the reply is written as fast as the disk takes it. @throws SkeinError `run-finished` */
  say(text: string): Promise<void>
  finish(): void
  /** It ends with what there is of it, and says why. */
  fail(error: SkeinError): void
  /** How the run ended, when that is durable; rejects when this server stops first, or the conversation is deleted. */
  readonly ended: Promise<RunState>
}

export interface BotDesk {
  /** Tells what the bot is asked, and is asked from now on. @returns takes the listener off */
  listen(bot: BotId, listener: BotListener): () => void
  /** What the bot is asked by this run; null: nothing, or nothing any more. */
  find(bot: BotId, run: RunId): Asked | null
  /**
   * Begins the reply.
   * @throws SkeinError `not-found`; `run-taken` when somebody gives one already
   */
  begin(bot: BotId, run: RunId): GivenReply
  /** The conversation is deleted: whoever gives a reply there hears that, since its run has no end. */
  abandon(name: DocumentName): void
}
