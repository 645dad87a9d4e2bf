/** How long a client waits for an acknowledgement before it tries another connection. */
import { expect, it } from 'vitest'
import { createPatience, FIRST_PATIENCE } from './patience.ts'
import { ManualTime } from '../../test/rig/manual-time.ts'

const setUp = () => {
  const time = new ManualTime()
  const world = { buffered: 0, givenUp: 0 }
  const patience = createPatience(time.after, () => world.buffered, () => world.givenUp++)
  return { time, world, patience }
}

it('gives up when nothing is acknowledged for five seconds, counted from the first thing sent', async () => {
  const { time, world, patience } = setUp()
  patience.begin()
  await time.advance(FIRST_PATIENCE - 1)
  patience.begin()
  expect(world.givenUp).toBe(0)
  await time.advance(1)
  expect(world.givenUp).toBe(1)
})

it('starts over with every acknowledgement and waits for nothing after it', async () => {
  const { time, world, patience } = setUp()
  patience.begin()
  await time.advance(FIRST_PATIENCE - 1)
  patience.answered()
  await time.advance(FIRST_PATIENCE)
  expect(world.givenUp).toBe(0)
  expect(time.pending).toBe(0)
})

it('waits longer after each time in vain, and five seconds again after an answer', async () => {
  const { time, world, patience } = setUp()
  patience.begin()
  await time.advance(FIRST_PATIENCE)
  patience.begin()
  await time.advance(FIRST_PATIENCE)
  expect(world.givenUp).toBe(1)
  await time.advance(FIRST_PATIENCE)
  expect(world.givenUp).toBe(2)
  patience.answered()
  patience.begin()
  await time.advance(FIRST_PATIENCE)
  expect(world.givenUp).toBe(3)
})

it('is patient with a slow upload as long as it moves', async () => {
  const { time, world, patience } = setUp()
  world.buffered = 1000
  patience.begin()
  world.buffered = 600
  await time.advance(FIRST_PATIENCE)
  world.buffered = 300
  await time.advance(FIRST_PATIENCE)
  expect(world.givenUp).toBe(0)
  await time.advance(FIRST_PATIENCE)
  expect(world.givenUp).toBe(1)
})

it('waits for nothing without a connection', async () => {
  const { time, world, patience } = setUp()
  patience.begin()
  patience.stop()
  await time.advance(FIRST_PATIENCE * 2)
  expect(world.givenUp).toBe(0)
})
