/** Which agents there are, and which one answers by default. */
import { expect, it } from 'vitest'
import { ScriptedAgent } from '../../test/rig/scripted-agent.ts'
import { createAgentRegistry } from './registry.ts'

it('answers with the first agent where none is named, and finds each by its id', () => {
  const [one, two] = [new ScriptedAgent('seal', 'one'), new ScriptedAgent('seal', 'two')]
  const registry = createAgentRegistry([one, two])
  expect(registry.defaultId).toBe('one')
  expect(registry.find(two.id)).toBe(two)
  expect(registry.find(new ScriptedAgent('seal', 'three').id)).toBeUndefined()
})

it('refuses two agents of one id', () => {
  expect(() => createAgentRegistry([new ScriptedAgent(), new ScriptedAgent()])).toThrow('same id')
})

it('refuses an agent that is called like a person\'s bot', () => {
  expect(() => createAgentRegistry([new ScriptedAgent('seal', 'bot-x')])).toThrow('No agent may be called bot-x')
})
