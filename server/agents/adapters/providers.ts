/** The AI SDK's provider for each kind of endpoint. */
import { createAnthropic } from '@ai-sdk/anthropic'
import { createGoogle } from '@ai-sdk/google'
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import type { LanguageModel as AnyModel } from 'ai'
import type { ModelSetup } from '../models.ts'

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
  const { url, password, authorization } = withoutCredentials(baseUrl)
  const baseURL = url.href.replace(/\/$/, '')
  const headers = authorization && apiKey === undefined ? { headers: { authorization } } : {}
  const secrets = [apiKey, password, authorization].filter(secret => typeof secret === 'string')
  return { model: languageModel(), url, secrets }

  function languageModel(): LanguageModel {
    switch (provider) {
      case 'openai':
        return createOpenAI({ baseURL, apiKey: apiKey ?? '', ...headers }).responses(model)
      case 'anthropic':
        return createAnthropic({ baseURL, apiKey: apiKey ?? '', ...headers })(model)
      case 'google':
        return createGoogle({ baseURL, apiKey: apiKey ?? '', ...headers })(model)
      case 'openai-compatible':
        return createOpenAICompatible({ name: 'model', baseURL, includeUsage: true, ...apiKey !== undefined && { apiKey }, ...headers })(model)
    }
  }
}

/** `fetch` refuses URLs with credentials in them, and they must not show up in messages. */
const withoutCredentials = (baseUrl: string): { url: URL, password: string | null, authorization: string | null } => {
  const url = new URL(baseUrl)
  if (url.username === '' && url.password === '') return { url, password: null, authorization: null }
  const [username, password] = [decodeURIComponent(url.username), decodeURIComponent(url.password)]
  url.username = ''
  url.password = ''
  return { url, password, authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` }
}
