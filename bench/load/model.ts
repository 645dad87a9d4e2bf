/** A model over real HTTP that speaks as fast as it is told to, in tokens that carry numbers. */
import { startModelServer } from '../../test/rig/model-server.ts'
import type { Exchange, ModelServer } from '../../test/rig/model-server.ts'
import { pace } from '../measure/wait.ts'
import { markOf } from './messages.ts'

export interface Model {
  readonly server: ModelServer
  /** Of a Skein whose only model this is. */
  readonly environment: Record<string, string>
}

export const startModel = async (): Promise<Model> => {
  const server = await startModelServer()
  return { server, environment: { OPENAI_BASE_URL: server.baseURL, OPENAI_API_KEY: 'sk-bench', SKEIN_MODEL: 'bench' } }
}

/** Says these numbers, one a token, and ends. @param said called with each when it is said */
export const speak = async (
  exchange: Exchange, from: number, count: number, perSecond: number, said: (number: number) => void,
): Promise<void> => {
  let next = from
  let last: Promise<void> = Promise.resolve()
  await pace(perSecond, count / perSecond, due => {
    for (let i = 0; i < due; i++, next++) {
      said(next)
      last = exchange.token(`${markOf(next)} `)
    }
  })
  await last
  await exchange.finish()
}
