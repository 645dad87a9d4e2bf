/** What every adapter of the bots has to do, as one suite over a way to open it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Bots } from '../../server/identity/bots-port.ts'
import { parseBotId } from '../../shared/ids.ts'
import type { BotId } from '../../shared/ids.ts'
import { limits } from '../../shared/limits.ts'
import { codeOf } from './code-of.ts'
import { userId } from './samples.ts'

/** One place that bots are kept in. */
export interface BotsWorld {
  /** Opens it; what an earlier one kept is there. */
  open(): Promise<Bots>
  /** The process was killed; {@link open} it next. */
  crash(): Promise<void>
  /** The next write fails. */
  failNext(when: 'before' | 'after'): void
  /** Milliseconds since 1970. */
  now: number
  dispose(): Promise<void>
}

export const botsContract = (adapter: string, create: () => Promise<BotsWorld>): void => {
  describe(`the contract of bots, ${adapter}`, () => {
    const [ann, anna, guest] = ['ann', 'anna', 'guest-1'].map(userId) as [never, never, never]
    const NOBODYS = parseBotId(`bot-${'0'.repeat(24)}`)!
    let world: BotsWorld
    let bots: Bots

    beforeEach(async () => {
      world = await create()
      bots = await world.open()
    })
    afterEach(() => world.dispose())

    const register = async (name: string, people: readonly never[] = [ann], description = '') => {
      world.now++
      return bots.register(people, { name, description })
    }
    const namesOf = async (...people: never[]) => (await bots.listOf(people)).map(({ name }) => name)

    test('a bot that was registered is found, and is its person\'s', async () => {
      const bot = await register('Deploys', [ann], 'Says what went out.')
      expect(bot).toEqual({ id: parseBotId(bot.id), owner: ann, name: 'Deploys', description: 'Says what went out.', createdAt: world.now })
      expect(await bots.find(bot.id)).toEqual(bot)
      expect([await bots.listOf([ann]), await bots.listOf([anna])]).toEqual([[bot], []])
      expect(await bots.find(NOBODYS)).toBeNull()
    })

    test('a person has those of all of their ids, the oldest first', async () => {
      await register('One', [guest])
      await register('Two', [ann, guest])
      expect(await namesOf(ann, guest)).toEqual(['One', 'Two'])
      expect(await namesOf(guest)).toEqual(['One'])
    })

    test('all of it is there after a crash and after a new start', async () => {
      const [kept, gone] = [await register('Kept'), await register('Gone')]
      await bots.change([ann], kept.id, { name: 'Renamed' })
      await bots.remove([ann], gone.id)
      for (const again of [() => world.crash(), () => Promise.resolve()]) {
        await again()
        bots = await world.open()
        expect([await namesOf(ann), (await bots.find(kept.id))?.name, await bots.find(gone.id)]).toEqual([['Renamed'], 'Renamed', null])
      }
    })

    test('only its person changes or removes it, under whichever of their ids', async () => {
      const bot = await register('Deploys', [guest])
      expect([await bots.change([ann], bot.id, { name: 'Mine' }), await bots.remove([ann], bot.id)]).toEqual([null, false])
      expect(await bots.find(bot.id)).toEqual(bot)
      // And from then on it is theirs as who they are now.
      expect(await bots.change([ann, guest], bot.id, { description: 'said' })).toEqual({ ...bot, owner: ann, description: 'said' })
      expect([await namesOf(guest), await namesOf(ann)]).toEqual([[], ['Deploys']])
      expect(await bots.remove([ann, guest], bot.id)).toBe(true)
      expect([await bots.remove([ann, guest], bot.id), await bots.change([ann], bot.id, {}), await namesOf(ann)]).toEqual([false, null, []])
      for (const id of [NOBODYS, '__proto__', ''] as BotId[]) expect(await bots.remove([ann], id)).toBe(false)
    })

    test('is its person\'s as who they are now, once they are known to be that', async () => {
      const bot = await register('Deploys', [guest])
      expect([await bots.adopt([ann], bot.id), await bots.find(bot.id)]).toEqual([false, bot])
      expect([await bots.adopt([ann, guest], bot.id), await bots.find(bot.id)]).toEqual([true, { ...bot, owner: ann }])
      expect([await namesOf(guest), await namesOf(ann), await bots.adopt([ann], bot.id)]).toEqual([[], ['Deploys'], true])
      expect(await bots.adopt([ann], NOBODYS)).toBe(false)
    })

    test('two bots of a person have names that nobody takes for each other\'s; those of two people may', async () => {
      const bot = await register('Deploys')
      expect(await codeOf(register('dep1oys'))).toBe('name-taken')
      const other = await register('Watcher')
      expect(await codeOf(bots.change([ann], other.id, { name: 'DEPLOYS' }))).toBe('name-taken')
      expect(await codeOf(bots.change([ann], bot.id, { name: 'DEPLOYS' }))).toBe('done')
      await register('Deploys', [anna])
      expect([await namesOf(ann), await namesOf(anna)]).toEqual([['DEPLOYS', 'Watcher'], ['Deploys']])
    })

    test('a person has so many bots at most, whatever id each is under and however many come at once', async () => {
      await register('First', [guest])
      const tried = await Promise.all(Array.from({ length: limits.botsPerPerson + 2 }, (_, n) => codeOf(register(`Number ${'x'.repeat(n)}`, [ann, guest]))))
      expect(tried.filter(code => code === 'done')).toHaveLength(limits.botsPerPerson - 1)
      expect(new Set(tried)).toEqual(new Set(['done', 'too-many-bots']))
      const [one] = await bots.listOf([ann])
      await bots.remove([ann], one!.id)
      expect(await codeOf(register('Another', [ann, guest]))).toBe('done')
    })

    test.each(['before', 'after'] as const)('of a write that fails %s it was done no half is there', async when => {
      world.failNext(when)
      await expect(register('Deploys')).rejects.toThrow()
      expect(await namesOf(ann)).toEqual(when === 'after' ? ['Deploys'] : [])
      const [bot] = when === 'after' ? await bots.listOf([ann]) : [await register('Deploys')]
      world.failNext(when)
      await expect(bots.remove([ann], bot!.id)).rejects.toThrow()
      expect([await bots.find(bot!.id), await bots.listOf([ann])]).toEqual(when === 'after' ? [null, []] : [bot, [bot]])
    })
  })
}
