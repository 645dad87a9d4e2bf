/** Which language models this server offers: their names, where they are, how much they read at once and what they cost. */

export const providers = ['openai', 'anthropic', 'google', 'openai-compatible'] as const
export type Provider = typeof providers[number]

/** What a million tokens cost. */
export interface Prices {
  /** ISO 4217, such as `USD`. */
  currency: string
  input: number
  output: number
  /** Of input that the provider had in its cache; as `input` when left out. */
  cachedInput?: number
}

/** A key that is stored for one of them is for this place alone, wherever a model's own is. */
export const usualKeyOf = ({ id, provider, baseUrl }: Pick<ModelSetup, 'id' | 'provider' | 'baseUrl'>): string =>
  provider === 'openai-compatible' || baseUrl !== undefined ? id : provider

export interface ModelSetup {
  /** Under which people and bots choose it, as an agent. */
  id: string
  /** What people see. */
  name: string
  provider: Provider
  /** As the provider calls it. */
  model: string
  /** Where it is, when not where the provider usually is; up to and with the version (`…/v1`). May carry `user:password@`. */
  baseUrl?: string
  /** Left out for local endpoints that want none. */
  apiKey?: string
  /** Name of the key that an admin may store for it, where none is given here. */
  storedKey?: string
  /** Tokens that it reads at once, its reply included. */
  contextTokens?: number
  /** The most that it gives out in one reply; left out: as the provider has it, little where the AI SDK does not know the model. */
  maxOutputTokens?: number
  prices?: Prices
}
