/** The ports of agents: something that answers a conversation with a stream of text, and the list of those that this server has. */
import type { Mode } from '../../shared/conversation/mode.ts'
import type { Message, SourcePart } from '../../shared/conversation/schema.ts'
import type { AgentId, DocumentName, RunId } from '../../shared/ids.ts'
import type { Span } from '../telemetry/tracing-port.ts'
import type { ReadFile } from './server-files.ts'

export interface AgentContext {
  /** What the asking person saw, oldest first; the last one is the message to answer. */
  messages: Message[]
  /** What was said before these, summarised; empty when they are all. */
  earlier: string
  system: string
  /** Files of the server that the messages name; see `server-files.ts`. */
  files: readonly ReadFile[]
  /** What it was asked in; `toolPolicy` says which tools it may be offered. */
  mode: Mode
  /** Text of this reply that readers have already seen, to go on from: a crash or a person ended it there; empty on a first attempt. */
  already: string
  /** The run that it is for; absent: what is asked for besides a reply, such as a summary. */
  run?: { id: RunId, conversation: DocumentName }
  /** Of the run, where that is traced: what the agent calls is told there. */
  trace?: { span: Span, withContent: boolean }
}

export interface Usage {
  inputTokens?: number
  outputTokens?: number
  totalTokens?: number
  reasoningTokens?: number
  cachedInputTokens?: number
}

export interface Cost {
  amount: number
  /** ISO 4217. */
  currency: string
}

export type AgentChunk =
  | { type: 'text', text: string }
  | { type: 'reasoning', text: string }
  | SourcePart
  /** `model`: empty where there is none. */
  | { type: 'finish', finishReason: string, model: string, usage?: Usage, cost?: Cost }

export interface Agent {
  readonly id: AgentId
  readonly name: string
  /** One sentence for people; says so when it is not a language model. */
  readonly description: string
  readonly isLanguageModel: boolean
  /** Tokens that it reads at once, its reply included; absent where that is not known or not a thing. */
  readonly contextTokens?: number
  /**
   * What becomes of a reply that a crash ended when readers had seen some of it. `continue`: `reply` is asked to go on after
   * `context.already` (for agents whose text follows from the context and that do not reason aloud); `seal`: it is sealed as interrupted,
   * and goes on when a person asks for it.
   */
  readonly onInterruption: 'continue' | 'seal'
  /**
   * Ends with one `finish`, or throws SkeinError `agent-failed` whose message may be shown to people. An end without `finish` counts as a
   * failure. When the signal aborts it ends its work upstream at once; nothing that it yields or throws after that is read.
   */
  reply(context: AgentContext, signal: AbortSignal): AsyncIterable<AgentChunk>
}

/** The agents of this server. */
export interface AgentRegistry {
  /** Answers where neither the message nor the conversation names an agent. */
  readonly defaultId: AgentId
  /** The default one first. */
  readonly all: readonly Agent[]
  find(id: AgentId): Agent | undefined
}
