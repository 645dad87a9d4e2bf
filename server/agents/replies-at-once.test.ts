/** How many replies go on at once for one person. */
import { expect, it } from 'vitest'
import { AgentWorld } from '../../test/rig/agent-world.ts'
import { settle } from '../../test/rig/manual-time.ts'
import { ScriptedAgent } from '../../test/rig/scripted-agent.ts'
import { errorTable } from '../../shared/errors.ts'
import type { BotId } from '../../shared/ids.ts'
import { newRequestId } from '../../test/rig/conversation.ts'
import { deriveRun } from '../room/derive-run.ts'

const start = async (budget?: () => Promise<null>) => {
  const agent = Object.assign(new ScriptedAgent('continue'), { isLanguageModel: true })
  const world = await AgentWorld.start([agent], { repliesAtOnce: 2, ...budget && { budget: { spend: budget } } })
  return { agent, world }
}
const failures = (world: AgentWorld) => world.replies.flatMap(({ metadata: { error } }) => error ? [error] : [])

it('past so many the message is kept and the reply says why, unpaid for; when one has ended the next begins', async () => {
  let spent = 0
  const { agent, world } = await start(async () => {
    spent++
    return null
  })
  for (const text of ['one', 'two', 'three']) await world.say(text)
  await settle()
  expect([agent.replies.length, spent]).toEqual([2, 2])
  expect(world.messages.filter(({ role }) => role === 'user')).toHaveLength(3)
  expect(failures(world)).toEqual([{ code: 'too-many-replies', message: errorTable['too-many-replies'].message }])
  agent.reply1.finish()
  await settle()
  await world.say('four')
  await settle()
  expect([agent.replies.length, failures(world).length]).toEqual([3, 2])
})

it('of others nobody is kept from theirs', async () => {
  const { agent, world } = await start()
  for (const who of ['ann', 'ann', 'ann', 'bob', 'bob']) await world.say('Hello', undefined, who)
  await settle()
  expect([agent.replies.length, failures(world).length]).toEqual([4, 1])
})

it('of an agent that asks nobody else any number goes on, and keeps nobody from a model\'s', async () => {
  const agent = new ScriptedAgent('continue')
  const model = Object.assign(new ScriptedAgent('continue', 'model'), { isLanguageModel: true })
  const world = await AgentWorld.start([agent, model], { repliesAtOnce: 2 })
  for (const text of ['one', 'two', 'three']) await world.say(text)
  await world.say('four', [model.id])
  await settle()
  expect([agent.replies.length, model.replies.length, failures(world)]).toEqual([3, 1, []])
})

it('a reply that had begun before the server stopped goes on, and counts', async () => {
  const { world } = await start()
  await world.say('one')
  await world.say('two')
  await settle()
  const next = Object.assign(new ScriptedAgent('continue'), { isLanguageModel: true })
  const after = await world.crash([next], undefined, undefined, 1)
  expect(next.replies).toHaveLength(2)
  await after.say('three')
  await settle()
  expect([next.replies.length, failures(after).length]).toEqual([2, 1])
})

it('of bots as many go on as of models, though no server of a model is asked', async () => {
  const agent = new ScriptedAgent()
  const world = await AgentWorld.start([agent], { repliesAtOnce: 2 })
  const bot = { id: 'bot-1' as BotId, name: 'Deploys', of: { id: 'ann', name: 'Ann' } }
  const { messageId } = await world.say('Hello', [])
  await world.write('ann', writer => {
    for (let n = 0; n < 3; n++) {
      const requestId = newRequestId()
      writer.setRun(deriveRun({ requestId, messageId, agentId: agent.id, bot, askedBy: 'ann', at: world.time.now() }))
    }
  })
  expect([agent.replies.length, failures(world).length]).toEqual([2, 1])
})
