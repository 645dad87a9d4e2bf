/** A language model behind any server that speaks OpenAI's chat-completions protocol, by way of the AI SDK. */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { streamText } from 'ai'
import type { LanguageModelUsage, ModelMessage } from 'ai'
import { textOf } from '../../../shared/conversation/read.ts'
import type { Message } from '../../../shared/conversation/schema.ts'
import { SkeinError } from '../../../shared/errors.ts'
import type { AgentId } from '../../../shared/ids.ts'
import type { Agent, AgentChunk, AgentContext, Usage } from '../port.ts'
import { modelFailure } from './model-failure.ts'

export interface AiSdkAgentOptions {
  /** None for servers that want none (Ollama). */
  apiKey?: string
  /** Up to and with `/v1`; default: OpenAI's. May carry `user:password@`, which then goes as Basic authorization. */
  baseURL?: string
  /** As the server calls it; also the name that people see. */
  model: string
  /** Further tries when the server cannot be reached or is overloaded, before the first word only. Default 2. */
  maxRetries?: number
}

const OPENAI = 'https://api.openai.com/v1'

export const createAiSdkAgent = ({ apiKey, baseURL = OPENAI, model, maxRetries = 2 }: AiSdkAgentOptions): Agent => {
  const { url, password, authorization } = withoutCredentials(baseURL)
  const provider = createOpenAICompatible({
    name: 'model',
    baseURL: url.href.replace(/\/$/, ''),
    includeUsage: true,
    ...apiKey && { apiKey },
    ...!apiKey && authorization && { headers: { authorization } }
  })
  const fail = (error: unknown): SkeinError => modelFailure(error, { host: url.host, secrets: [apiKey, password, authorization] })

  return {
    id: 'assistant' as AgentId,
    name: model,
    description: `The language model ${model} at ${url.host}.`,
    isLanguageModel: true,
    // A model does not say the same twice: going on after what was seen would be another reply, so that is sealed instead.
    onInterruption: 'seal',
    async *reply({ messages, system, already }: AgentContext, signal: AbortSignal): AsyncIterable<AgentChunk> {
      try {
        const result = streamText({
          model: provider(model),
          messages: [...messages.flatMap(toModelMessage), ...continuation(already)],
          ...system && { instructions: system },
          allowSystemInMessages: true,
          abortSignal: signal,
          maxRetries,
          // Errors arrive as parts of the stream; the SDK would print them to the console besides, texts of messages and all.
          onError: () => {}
        })
        let answered = model
        for await (const part of result.stream) {
          switch (part.type) {
            case 'text-delta':
              yield { type: 'text', text: part.text }
              break
            case 'reasoning-delta':
              yield { type: 'reasoning', text: part.text }
              break
            case 'finish-step':
              answered = part.response.modelId || model
              break
            case 'error':
              throw part.error
            case 'abort':
              return
            case 'finish':
              yield { type: 'finish', finishReason: part.finishReason, model: answered, usage: toUsage(part.totalUsage) }
              return
            default:
              // Starts, ends, sources, tools: nothing that schema 1 shows of a reply.
          }
        }
      } catch (error) {
        throw fail(error)
      }
    }
  }
}

const toModelMessage = ({ role, parts }: Message): ModelMessage[] => {
  const content = textOf(parts)
  return content === '' ? [] : [{ role, content }]
}

/** Few providers go on with a reply that is given to them as the last message, so it is asked for in words. */
const continuation = (already: string): ModelMessage[] => already === '' ? [] : [
  { role: 'assistant', content: already },
  { role: 'user', content: CONTINUE }
]
const CONTINUE = 'Your reply was cut off. Go on exactly where it ended, in the same language and format: repeat nothing of it and say nothing about this.'

const toUsage = ({ inputTokens, outputTokens, totalTokens }: LanguageModelUsage): Usage => ({
  ...inputTokens !== undefined && { inputTokens },
  ...outputTokens !== undefined && { outputTokens },
  ...totalTokens !== undefined && { totalTokens }
})

/** `fetch` refuses URLs with credentials in them, and they must not show up in messages. */
const withoutCredentials = (baseURL: string): { url: URL, password: string | null, authorization: string | null } => {
  const url = new URL(baseURL)
  if (url.username === '' && url.password === '') return { url, password: null, authorization: null }
  const [username, password] = [decodeURIComponent(url.username), decodeURIComponent(url.password)]
  url.username = ''
  url.password = ''
  return { url, password, authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` }
}
