/** How each provider's streaming protocol says the same things: as its public documentation describes it, in server-sent events. */
import type { Provider } from '../../server/agents/models.ts'

export interface Finish {
  /** Default: the reply is whole. `filtered`: its provider lets no more of it pass. */
  reason?: 'stop' | 'length' | 'filtered'
  usage?: { input: number, output: number, reasoning?: number, cached?: number }
}

/** One reply; remembers which block it is in. Every function gives the data of the events to send. */
export interface Speaker {
  text(text: string): (object | string)[]
  reasoning(text: string): (object | string)[]
  source(url: string, title: string): (object | string)[]
  finish(finish: Finish): (object | string)[]
  errorInStream(message: string, code?: number): (object | string)[]
}

export interface ModelProtocol {
  /** Path behind the server's address, as it is configured. */
  base: string
  /** Of a request for a streamed reply. */
  isReply(path: string): boolean
  /** Body of an HTTP error. */
  error(message: string): object
  speak(id: string, model: string): Speaker
}

const chatCompletions: ModelProtocol = {
  base: '/v1',
  isReply: path => path.endsWith('/v1/chat/completions'),
  error: message => ({ error: { message, type: 'test', code: null } }),
  speak(id, model) {
    const frame = { id, object: 'chat.completion.chunk', created: 1, model }
    const chunk = (delta: object, finishReason: string | null = null): object =>
      ({ ...frame, choices: [{ index: 0, delta, finish_reason: finishReason }] })
    return {
      text: text => [chunk({ role: 'assistant', content: text })],
      reasoning: text => [chunk({ role: 'assistant', reasoning_content: text })],
      source: () => [],
      finish: ({ reason = 'stop', usage }) => [
        chunk({}, reason === 'filtered' ? 'content_filter' : reason),
        ...usage ? [{ ...frame, choices: [], usage: {
          prompt_tokens: usage.input, completion_tokens: usage.output, total_tokens: usage.input + usage.output,
          ...usage.reasoning !== undefined && { completion_tokens_details: { reasoning_tokens: usage.reasoning } },
          ...usage.cached !== undefined && { prompt_tokens_details: { cached_tokens: usage.cached } },
        } }] : [],
        '[DONE]',
      ],
      errorInStream: (message, code) => [{ error: { message, ...code !== undefined && { code } } }],
    }
  },
}

const responses: ModelProtocol = {
  base: '/v1',
  isReply: path => path.endsWith('/v1/responses'),
  error: message => ({ error: { message, type: 'test', param: null, code: null } }),
  speak(id, model) {
    const response = { id, created_at: 1, model }
    let sequence = 0
    let item: 'message' | 'reasoning' | null = null
    let items = 0
    const itemId = (): string => `${item}-${items}`
    const numbered = (event: object): object => ({ ...event, sequence_number: sequence++ })
    const begun = (): object[] => sequence === 0 ? [{ type: 'response.created', response }] : []
    const ended = (): object[] => item === null ? [] : [{ type: 'response.output_item.done', output_index: items, item: { type: item, id: itemId() } }]
    const into = (next: 'message' | 'reasoning'): object[] => {
      if (item === next) return []
      const before = [...begun(), ...ended()]
      item = next
      items++
      const added = { type: 'response.output_item.added', output_index: items, item: { type: item, id: itemId() } }
      return [...before, added, ...next === 'reasoning' ? [{ type: 'response.reasoning_summary_part.added', item_id: itemId(), summary_index: 0 }] : []]
    }
    return {
      text: text => [...into('message'), { type: 'response.output_text.delta', item_id: itemId(), output_index: items, delta: text }].map(numbered),
      reasoning: text =>
        [...into('reasoning'), { type: 'response.reasoning_summary_text.delta', item_id: itemId(), summary_index: 0, delta: text }].map(numbered),
      source: (url, title) => [...into('message'), {
        type: 'response.output_text.annotation.added', item_id: itemId(), output_index: items,
        annotation: { type: 'url_citation', url, title, start_index: 0, end_index: 1 },
      }].map(numbered),
      finish: ({ reason = 'stop', usage }) => [...begun(), ...ended(), {
        type: reason === 'stop' ? 'response.completed' : 'response.incomplete',
        response: {
          ...response,
          incomplete_details: reason === 'stop' ? null : { reason: reason === 'length' ? 'max_output_tokens' : 'content_filter' },
          ...usage && { usage: {
            input_tokens: usage.input, output_tokens: usage.output,
            ...usage.cached !== undefined && { input_tokens_details: { cached_tokens: usage.cached } },
            ...usage.reasoning !== undefined && { output_tokens_details: { reasoning_tokens: usage.reasoning } },
          } },
        },
      }].map(numbered),
      errorInStream: message => [...begun(), { type: 'response.failed', response: { ...response, error: { code: 'server_error', message } } }].map(numbered),
    }
  },
}

const messages: ModelProtocol = {
  base: '/v1',
  isReply: path => path.endsWith('/v1/messages'),
  error: message => ({ type: 'error', error: { type: 'test_error', message } }),
  speak(id, model) {
    let block: 'text' | 'thinking' | null = null
    let index = -1
    let begun = false
    const start = (): object[] => {
      if (begun) return []
      begun = true
      const usage = { input_tokens: 0, output_tokens: 0 }
      const message = { id, type: 'message', role: 'assistant', model, content: [], stop_reason: null, usage }
      return [{ type: 'message_start', message }]
    }
    const stop = (): object[] => block === null ? [] : [{ type: 'content_block_stop', index }]
    const into = (next: 'text' | 'thinking'): object[] => {
      if (block === next) return []
      const before = [...start(), ...stop()]
      block = next
      index++
      const content_block = next === 'text' ? { type: 'text', text: '' } : { type: 'thinking', thinking: '' }
      return [...before, { type: 'content_block_start', index, content_block }]
    }
    return {
      text: text => [...into('text'), { type: 'content_block_delta', index, delta: { type: 'text_delta', text } }],
      reasoning: text => [...into('thinking'), { type: 'content_block_delta', index, delta: { type: 'thinking_delta', thinking: text } }],
      source: (url, title) => [...into('text'), {
        type: 'content_block_delta', index,
        delta: { type: 'citations_delta', citation: { type: 'web_search_result_location', cited_text: 'x', url, title, encrypted_index: 'x' } },
      }],
      finish: ({ reason = 'stop', usage }) => [
        ...start(), ...stop(),
        {
          type: 'message_delta', delta: { stop_reason: { stop: 'end_turn', length: 'max_tokens', filtered: 'refusal' }[reason], stop_sequence: null },
          usage: {
            input_tokens: (usage?.input ?? 0) - (usage?.cached ?? 0), output_tokens: usage?.output ?? 0,
            cache_read_input_tokens: usage?.cached ?? 0,
          },
        },
        { type: 'message_stop' },
      ],
      errorInStream: message => [...start(), { type: 'error', error: { type: 'overloaded_error', message } }],
    }
  },
}

const generateContent: ModelProtocol = {
  base: '/v1beta',
  isReply: path => /\/v1beta\/models\/[^/]+:streamGenerateContent/.test(path),
  error: message => ({ error: { code: 400, message, status: 'TEST' } }),
  speak(id, model) {
    const chunk = (candidate: object, more: object = {}): object =>
      ({ candidates: [candidate], responseId: id, modelVersion: model, ...more })
    const part = (value: object): object => chunk({ content: { role: 'model', parts: [value] } })
    return {
      text: text => [part({ text })],
      reasoning: text => [part({ text, thought: true })],
      source: (uri, title) =>
        [chunk({ content: { role: 'model', parts: [{ text: '' }] }, groundingMetadata: { groundingChunks: [{ web: { uri, title } }] } })],
      finish: ({ reason = 'stop', usage }) => [chunk(
        { content: { role: 'model', parts: [{ text: '' }] }, finishReason: { stop: 'STOP', length: 'MAX_TOKENS', filtered: 'SAFETY' }[reason] },
        usage ? { usageMetadata: {
          promptTokenCount: usage.input, candidatesTokenCount: usage.output - (usage.reasoning ?? 0),
          totalTokenCount: usage.input + usage.output,
          ...usage.reasoning !== undefined && { thoughtsTokenCount: usage.reasoning },
          ...usage.cached !== undefined && { cachedContentTokenCount: usage.cached },
        } } : {},
      )],
      errorInStream: (message, code = 503) => [{ error: { code, message, status: 'UNAVAILABLE' } }],
    }
  },
}

export const modelProtocols: Readonly<Record<Provider, ModelProtocol>> = {
  'openai': responses,
  'anthropic': messages,
  'google': generateContent,
  'openai-compatible': chatCompletions,
}
