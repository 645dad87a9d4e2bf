/** The AI SDK's provider for each kind of endpoint. */
import { createAnthropic } from '@ai-sdk/anthropic'
import { createGoogle } from '@ai-sdk/google'
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import type { LanguageModel as AnyModel } from 'ai'
import type { ModelSetup } from '../models.ts'
import { boundedFetch } from './bounded-fetch.ts'

/** Not the name of one, for which the SDK would look elsewhere. */
type LanguageModel = Extract<AnyModel, { specificationVersion: 'v4' }>

export interface ReachedModel {
  model: LanguageModel
  /** Where it is, without credentials. */
  url: URL
  /** What must never be shown. */
  secrets: readonly string[]
}

const USUAL = {
  'openai': 'https://api.openai.com/v1',
  'anthropic': 'https://api.anthropic.com/v1',
  'google': 'https://generativelanguage.googleapis.com/v1beta',
  'openai-compatible': 'https://api.openai.com/v1',
} as const

export const reachModel = ({ provider, model, baseUrl = USUAL[provider], apiKey }: ModelSetup): ReachedModel => {
  const { url, password, basic } = withoutCredentials(baseUrl)
  const usual = {
    baseURL: url.href.replace(/\/$/, ''),
    fetch: boundedFetch,
    ...basic !== null && apiKey === undefined && { headers: { authorization: `Basic ${basic}` } },
  }
  const secrets = [apiKey, password, basic].filter(secret => typeof secret === 'string')
  return { model: languageModel(), url, secrets }

  function languageModel(): LanguageModel {
    switch (provider) {
      case 'openai':
        return createOpenAI({ ...usual, apiKey: apiKey ?? '' }).responses(model)
      case 'anthropic':
        return createAnthropic({ ...usual, apiKey: apiKey ?? '' })(model)
      case 'google':
        return createGoogle({ ...usual, apiKey: apiKey ?? '' })(model)
      case 'openai-compatible':
        return createOpenAICompatible({ ...usual, name: 'model', includeUsage: true, ...apiKey !== undefined && { apiKey } })(model)
    }
  }
}

/** `fetch` refuses URLs with credentials in them, and they must not show up in messages. */
const withoutCredentials = (baseUrl: string): { url: URL, password: string | null, basic: string | null } => {
  const url = new URL(baseUrl)
  if (url.username === '' && url.password === '') return { url, password: null, basic: null }
  const [username, password] = [decoded(url.username), decoded(url.password)]
  url.username = ''
  url.password = ''
  return { url, password, basic: Buffer.from(`${username}:${password}`).toString('base64') }
}

/** A sign that encodes nothing stands for itself, as everywhere in addresses. */
const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
