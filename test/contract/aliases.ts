/** What every adapter of the aliases has to do, as one suite over a way to open it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { NOBODY } from '../../server/identity/aliases-port.ts'
import type { Aliases } from '../../server/identity/aliases-port.ts'
import { userId } from './samples.ts'

/** One place that aliases are kept in. */
export interface AliasesWorld {
  /** Opens it; what an earlier one kept is there. */
  open(): Promise<Aliases>
  /** The process was killed; {@link open} it next. */
  crash(): Promise<void>
  /** The next write fails. */
  failNext(when: 'before' | 'after'): void
  dispose(): Promise<void>
}

export const aliasesContract = (adapter: string, create: () => Promise<AliasesWorld>): void => {
  describe(`the aliases contract, ${adapter}`, () => {
    const [g, h, ann, ben] = ['guest-1', 'guest-11', 'ann', 'ben'].map(userId) as [never, never, never, never]
    let world: AliasesWorld
    let aliases: Aliases

    beforeEach(async () => {
      world = await create()
      aliases = await world.open()
    })
    afterEach(() => world.dispose())

    const link = (guest: never, person: never) => aliases.link({ guest, person, name: 'Ann' })

    test('a guest whom nobody linked is nobody else, and nobody is an alias of them', async () => {
      expect([await aliases.personOf(g), await aliases.aliasesOf(ann), await aliases.unfinished()]).toEqual([null, [], []])
    })

    test('a guest becomes one person, once, and again changes nothing', async () => {
      expect(await link(g, ann)).toBe(ann)
      expect(await link(g, ann)).toBe(ann)
      expect([await aliases.personOf(g), await aliases.aliasesOf(ann)]).toEqual([ann, [g]])
    })

    test('a guest stays whom it became, whoever else asks for it', async () => {
      await link(g, ann)
      expect(await link(g, ben)).toBe(ann)
      expect([await aliases.personOf(g), await aliases.aliasesOf(ann), await aliases.aliasesOf(ben)]).toEqual([ann, [g], []])
    })

    test('of many who ask for a guest at once one gets it', async () => {
      const people = Array.from({ length: 10 }, (_, i) => userId(`person-${i}`))
      const got = await Promise.all(people.map(person => aliases.link({ guest: g, person, name: '' })))
      expect(new Set(got).size).toBe(1)
      const lists = await Promise.all(people.map(person => aliases.aliasesOf(person)))
      expect(lists.flat()).toEqual([g])
    })

    test('two guests become one person', async () => {
      await link(g, ann)
      await link(h, ann)
      expect([...await aliases.aliasesOf(ann)].sort()).toEqual([g, h])
    })

    test('what was handed out grows with each guest', async () => {
      const list = await aliases.aliasesOf(ann)
      await link(g, ann)
      expect(list).toEqual([g])
    })

    test('a guest that others became takes them along', async () => {
      await link(h, g)
      expect([await aliases.personOf(h), await aliases.aliasesOf(g)]).toEqual([g, [h]])
      await link(g, ann)
      expect([await aliases.personOf(h), await aliases.personOf(g)]).toEqual([ann, ann])
      expect([...await aliases.aliasesOf(ann)].sort()).toEqual([g, h])
      aliases = await world.open()
      expect([[...await aliases.aliasesOf(ann)].sort(), await aliases.aliasesOf(g)]).toEqual([[g, h], []])
    })

    test('who becomes one that has become another becomes that one', async () => {
      await link(g, ann)
      expect(await link(h, g)).toBe(ann)
      expect(await aliases.personOf(h)).toBe(ann)
    })

    test('nobody becomes themself, not by way of another either', async () => {
      expect(await link(g, g)).toBe(g)
      await link(h, g)
      expect(await link(g, h)).toBe(g)
      expect([await aliases.personOf(g), await aliases.personOf(h)]).toEqual([null, g])
    })

    test('a becoming is unfinished until it is carried out', async () => {
      await link(g, ann)
      expect(await aliases.unfinished()).toEqual([{ guest: g, person: ann, name: 'Ann' }])
      await aliases.carried(g)
      expect(await aliases.unfinished()).toEqual([])
      await link(g, ann)
      expect(await aliases.unfinished()).toEqual([])
    })

    test('names that continue each other are kept apart', async () => {
      await link(h, ann)
      expect([await aliases.personOf(g), await aliases.aliasesOf(userId('an'))]).toEqual([null, []])
      await aliases.carried(g)
      expect(await aliases.unfinished()).toHaveLength(1)
    })

    test('all of it is there after a crash and after a new start', async () => {
      await link(g, ann)
      await link(h, ann)
      await aliases.carried(h)
      for (const again of [() => world.crash(), () => Promise.resolve()]) {
        await again()
        aliases = await world.open()
        expect([await aliases.personOf(g), [...await aliases.aliasesOf(ann)].sort()]).toEqual([ann, [g, h]])
        expect((await aliases.unfinished()).map(({ guest }) => guest)).toEqual([g])
      }
    })

    test.each(['before', 'after'] as const)('a write that fails %s it was done is done when it is tried again', async when => {
      world.failNext(when)
      expect(await aliases.personOf(g)).toBeNull()
      await expect(link(g, ann)).rejects.toThrow()
      expect(await aliases.personOf(g)).toBe(when === 'after' ? ann : null)
      expect(await link(g, ann)).toBe(ann)
      expect([await aliases.personOf(g), await aliases.aliasesOf(ann)]).toEqual([ann, [g]])
      expect(await aliases.unfinished()).toHaveLength(1)
    })

    test('of a person who is no more nobody is an alias, and their guests come back as nobody', async () => {
      await link(g, ann)
      await aliases.forget(ann, [ann, g, h])
      for (let time = 0; time < 2; time++) {
        expect([await aliases.aliasesOf(ann), await aliases.unfinished()]).toEqual([[], []])
        for (const id of [ann, g, h]) expect(await aliases.personOf(id)).toBe(NOBODY)
        expect(await link(g, ben)).not.toBe(ben)
        aliases = await world.open()
      }
    })
  })
}
