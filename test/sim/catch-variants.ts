/** That the simulation notices, as tests: in each variant something wrong is found within so many seeds. */
import { afterAll, expect, it } from 'vitest'
import { runSeed, times } from '../rig/seed.ts'
import { loadVariant, removeCopies } from './load-variant.ts'
import type { Variant } from './variants.ts'
import * as product from './world.ts'

const WITHIN = 1000

/** Of so many `npm test` tries one, another one each time; `npm run test:long` tries them all. */
const SHARE = times(1, 3)

export const catchVariants = (variants: readonly Variant[]): void => {
  afterAll(removeCopies)

  const turn = runSeed()
  it.each(variants.filter((_, at) => (at + turn) % SHARE === 0))('$name', async variant => {
    const { simulate } = await loadVariant(variant)
    for (const seed of [...variant.seed === undefined ? [] : [variant.seed], ...Array(WITHIN).keys().map(i => i + 1)]) {
      const wrong = await simulate(seed, variant.diskLies).then(() => null, (error: Error) => error.message)
      // It is the change that has to be caught, and nothing else; what the product does in each life, the test of the simulation says.
      if (wrong === null || await product.simulate(seed, variant.diskLies).then(() => false, () => true)) continue
      console.info(`${variant.name}: seed ${seed}: ${wrong.split('\n')[0]}`)
      return
    }
    expect.fail(`${WITHIN} simulations of "${variant.name}" found nothing wrong.`)
  }, 600_000)
}
