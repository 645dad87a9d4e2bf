/** Which files of the server an agent is given for a reply, for whom, and what is told of them. */
import { describe, expect, it } from 'vitest'
import type { ContextReference, Message } from '../../shared/conversation/schema.ts'
import type { MessageId } from '../../shared/ids.ts'
import { limits } from '../../shared/limits.ts'
import { AgentWorld } from '../../test/rig/agent-world.ts'
import { settle } from '../../test/rig/manual-time.ts'
import { ScriptedAgent } from '../../test/rig/scripted-agent.ts'
import { giveFiles } from './give-files.ts'
import type { FilesRead, ServerFiles } from './server-files.ts'

const naming = (n: number, ...paths: string[]): Message => ({
  id: `01890a5d-ac96-774b-bcce-b302099a80${n}` as MessageId, role: 'user', parts: [{ type: 'text', text: 'See.' }],
  metadata: {
    parentId: null, authorId: 'ann', createdAt: n, acceptedAt: n, status: 'complete', context: paths.map(path => ({ path, isFolder: false })),
  },
})

/** Ann's files: each is read, or all that is named is left out. */
const filesOf = (read: (references: readonly ContextReference[]) => FilesRead) => {
  const asked: { paths: string[], most: number }[] = []
  const files: ServerFiles = {
    roots: ['work'],
    mayUse: userId => userId === 'ann',
    read: async (references, most) => {
      asked.push({ paths: references.map(({ path }) => path), most })
      return read(references)
    },
  }
  return { files, asked }
}
const allOf = (references: readonly ContextReference[]): FilesRead => ({ files: references.map(({ path }) => ({ path, text: 'ä' })), leftOut: [] })
const { signal } = new AbortController()

it('what was named last comes first, each once, and as much as the agent has room for', async () => {
  const { files, asked } = filesOf(allOf)
  const agent = Object.assign(new ScriptedAgent(), { contextTokens: 3000 })
  const got = await giveFiles({ files, agent, askedBy: 'ann', signal }, [naming(10, 'work/a', 'work/b'), naming(11, 'work/c', 'work/a')])
  expect(asked).toEqual([{ paths: ['work/c', 'work/a', 'work/b'], most: 3000 }])
  expect(got.given).toEqual({ read: [{ path: 'work/c', bytes: 2 }, { path: 'work/a', bytes: 2 }, { path: 'work/b', bytes: 2 }], leftOut: [] })

  const many = Array.from({ length: limits.contextReferences + 5 }, (_, n) => naming(10 + n, `work/${n}`))
  await giveFiles({ files, agent, askedBy: 'ann', signal }, many)
  expect(asked[1]!.paths).toHaveLength(limits.contextReferences)
  expect(asked[1]!.paths[0]).toBe(`work/${limits.contextReferences + 4}`)
})

it('where no message names any, nothing is told', async () => {
  const { files, asked } = filesOf(allOf)
  expect(await giveFiles({ files, agent: new ScriptedAgent(), askedBy: 'ann', signal }, [naming(10)])).toEqual({ files: [], given: null })
  expect(asked).toEqual([])
})

it.each([
  ['who asks may not', new ScriptedAgent(), 'bob', true],
  ['a bot is asked, which is a program elsewhere', new ScriptedAgent('seal', 'bot-1'), 'ann', true],
  ['the server gives none', new ScriptedAgent(), 'ann', false],
])('nothing is read, and that is told, when %s', async (_, agent, askedBy, gives) => {
  const { files, asked } = filesOf(allOf)
  const got = await giveFiles({ files: gives ? files : null, agent, askedBy, signal }, [naming(10, 'work/a')])
  expect(got).toEqual({ files: [], given: { read: [], leftOut: [{ path: 'work/a', why: 'not-allowed' }] } })
  expect(asked).toEqual([])
})

it.each([[limits.contextNamed, undefined], [limits.contextNamed + 3, 3]])('of %i that are left out so many are named, and the rest is counted', async (count, more) => {
  const leftOut = Array.from({ length: count }, (_, n) => ({ path: `work/${n}`, why: 'binary' as const }))
  const { files } = filesOf(() => ({ files: [], leftOut }))
  const { given } = await giveFiles({ files, agent: new ScriptedAgent(), askedBy: 'ann', signal }, [naming(10, 'work')])
  expect(given).toEqual({ read: [], leftOut: leftOut.slice(0, limits.contextNamed), ...more !== undefined && { more } })
})

describe('a reply', () => {
  const start = async (read: ServerFiles['read']) => {
    const agent = new ScriptedAgent()
    const world = await AgentWorld.start([agent], { files: { roots: ['work'], mayUse: () => true, read } })
    await world.write('ann', writer => writer.appendMessage(naming(10, 'work/a')))
    return { agent, world, ...await world.say('And now?') }
  }

  it('is given what any message of its conversation named, and tells it', async () => {
    const { agent, world } = await start(async references => allOf(references))
    expect(agent.reply1.context.files).toEqual([{ path: 'work/a', text: 'ä' }])
    agent.reply1.say('Read.')
    agent.reply1.finish()
    await settle()
    expect(world.replies[0]!.metadata.files).toEqual({ read: [{ path: 'work/a', bytes: 2 }], leftOut: [] })
  })

  it('that is stopped while its files are read has none read any further, and never begins', async () => {
    const reading = Promise.withResolvers<FilesRead>()
    let heard: AbortSignal | null = null
    const { agent, world, runIds } = await start((_references, _most, signal) => {
      heard = signal
      return reading.promise
    })
    await world.stop(runIds[0]!)
    expect(heard).toMatchObject({ aborted: true })
    reading.resolve({ files: [], leftOut: [] })
    await world.driver.close()
    expect(agent.replies).toEqual([])
    expect(world.replies).toMatchObject([{ metadata: { status: 'cancelled' } }])
  })
})
