/** The part of the composition root that says which agents there are: the configured language models, with keys that are stored. */
import type { ModelSetup } from './agents/models.ts'
import { createOfflineAgent } from './agents/adapters/offline.ts'
import type { AgentRegistry } from './agents/port.ts'
import { createAgentRegistry } from './agents/registry.ts'
import type { Config } from './config.ts'
import type { ModelConfig } from './model-config.ts'
import type { FileProviderKeys } from './identity/provider-keys.ts'
import type { WantedProviderKey } from './identity/provider-keys-port.ts'
import { VaultError } from './identity/vault.ts'
import { readModels } from './models-file.ts'
import type { Logger } from './telemetry/port.ts'
import { SkeinError } from '../shared/errors.ts'
import { systemTimers } from '../shared/timers.ts'

/** The default one first; none: only the built-in offline agent answers. */
export const modelsOf = async (
  { model, modelsFile }: Pick<Config, 'model' | 'modelsFile'>, env: Readonly<Record<string, string | undefined>>,
): Promise<ModelSetup[]> => modelsFile === null ? (model ? [setupOf(model)] : []) : readModels(modelsFile, env)

const setupOf = ({ name, baseUrl, apiKey }: ModelConfig): ModelSetup =>
  ({ id: 'assistant', name, provider: 'openai-compatible', model: name, baseUrl, ...apiKey === null ? { storedKey: 'assistant' } : { apiKey } })

export const wantedKeys = (models: readonly ModelSetup[]): WantedProviderKey[] => {
  const wanted = new Map<string, string[]>()
  for (const { storedKey, name } of models) if (storedKey !== undefined) wanted.set(storedKey, [...wanted.get(storedKey) ?? [], name])
  return [...wanted].map(([name, models]) => ({ name, models }))
}

/** The offline agent is always there. */
export const agentsOf = async (
  models: readonly ModelSetup[], keys: Pick<FileProviderKeys, 'read'>, { offlinePace }: Pick<Config, 'offlinePace'>, logger: Logger,
): Promise<AgentRegistry> => {
  const offline = createOfflineAgent({ timers: systemTimers, msPerToken: offlinePace, models: models.map(({ name }) => name) })
  if (models.length === 0) return createAgentRegistry([offline])
  // Loaded only where there is a model: the SDK and its providers take their memory.
  const { createAiSdkAgent } = await import('./agents/adapters/ai-sdk.ts')
  const readKey = (name: string): Promise<string | null> => keys.read(name).catch((error: unknown) => {
    if (!(error instanceof VaultError)) throw error
    logger.error({ key: name, problem: error.message }, 'a stored key cannot be read')
    throw new SkeinError('agent-failed', 'The server cannot read the key that it keeps for this model. Your message is saved; tell the operator, and try again then.')
  })
  const [first, ...others] = models.map(setup => createAiSdkAgent(setup, { readKey }))
  return createAgentRegistry([first!, ...others, offline])
}
