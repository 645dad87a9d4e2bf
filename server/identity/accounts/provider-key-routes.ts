/** Keys of model providers, given to the server by its admin: written here and shown to nobody again. */
import * as schemas from '../../../shared/api/account-schemas.ts'
import { SkeinError } from '../../../shared/errors.ts'
import type { ProviderKeysOffer } from '../provider-keys-port.ts'
import type { Routes } from './visit.ts'

export const providerKeyRoutes = ({ keys, wanted }: ProviderKeysOffer): Routes => on => {
  on('get', '/admin/provider-keys', async visit => {
    await visit.admin()
    const stored = new Map((await keys.list()).map(({ name, ...each }) => [name, each]))
    const unused = [...stored.keys()].filter(name => wanted.every(each => each.name !== name)).map(name => ({ name, models: [] }))
    const answer: schemas.ProviderKeyList = {
      keys: [...wanted, ...unused].map(({ name, models }) => ({ name, models: [...models], stored: stored.get(name) ?? null })),
    }
    return visit.c.json(answer)
  })

  on('post', '/admin/provider-keys', async visit => {
    const who = await visit.admin()
    const { name, key } = await visit.body(schemas.newProviderKey)
    if (wanted.every(each => each.name !== name)) {
      throw new SkeinError('invalid-request', 'No model of this server takes a stored key of this name, so nothing was stored.')
    }
    await keys.set(name, key)
    visit.audit('provider-key.set', 'done', who, { name })
    return visit.c.json({})
  })

  on('delete', '/admin/provider-keys/:name', async visit => {
    const who = await visit.admin()
    const name = visit.c.req.param('name') ?? ''
    if (!(await keys.list()).some(each => each.name === name)) throw new SkeinError('not-found')
    await keys.remove(name)
    visit.audit('provider-key.removed', 'done', who, { name })
    return visit.c.body(null, 204)
  })
}
