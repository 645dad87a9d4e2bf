/** A long conversation opens from LevelDB. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { draftIdOf } from '../../server/agents/draft-id.ts'
import { openLevelDbLog } from '../../server/log/leveldb/leveldb-log.ts'
import { deriveRun } from '../../server/room/derive-run.ts'
import type { Room } from '../../server/room/port.ts'
import { RoomRegistry } from '../../server/room/rooms.ts'
import { advanceRun } from '../../server/room/advance-run.ts'
import { createLogger } from '../../server/telemetry/logger.ts'
import { readMessages } from '../../shared/conversation/read.ts'
import { conversationName } from '../../shared/ids.ts'
import type { AgentId, MessageId } from '../../shared/ids.ts'
import { newConversationId, newRequestId } from '../rig/conversation.ts'
import { Peer } from '../rig/peer.ts'
import { startServer, temporaryFolder } from '../rig/server-process.ts'
import { times } from '../rig/seed.ts'

const MESSAGES = 10_000
/** Bundles in which each streamed reply was written. */
const APPENDS = times(50, 5)
const agentId = 'echo' as AgentId

/** Memory of a process in MB: now (`VmRSS`) or at its highest (`VmHWM`). */
const memory = async (pid: number, field: 'VmRSS' | 'VmHWM'): Promise<number> =>
  Number(new RegExp(`${field}:\\s+(\\d+)`).exec(await readFile(`/proc/${pid}/status`, 'utf8'))![1]) / 1024

/** Question and streamed reply, as the room and the driver write them; not waiting for the disk in between. */
const converse = (room: Room, parentId: MessageId | null, at: number): { last: MessageId, written: Promise<void>[] } => {
  const requestId = newRequestId()
  const question = requestId as string as MessageId
  const run = deriveRun({ requestId, messageId: question, agentId, askedBy: 'ada', at })
  const draftId = draftIdOf(run.id, 1)
  const processing = { ...run, state: 'processing' as const, draftId }
  const written = [room.write('ada', writer => {
    writer.appendMessage({ id: question, role: 'user', parts: [{ type: 'text', text: `Question ${at}: what is the weather like on the ${at}th day of the journey?` }], metadata: { parentId, authorId: 'ada', createdAt: at, acceptedAt: at, status: 'complete' } })
    writer.setRun(run)
  }), room.write('agent:echo', writer => {
    writer.openDraft(draftId, { kind: 'agent', authorId: 'agent:echo', agentId, runId: run.id, replyId: run.replyId, parentId: question, createdAt: at }, [])
    writer.setRun(processing)
  })]
  for (let i = 0; i < APPENDS; i++) written.push(room.write('agent:echo', writer => writer.appendToDraft(draftId, 'text', 'and then the sun came out again, ')))
  written.push(room.write('agent:echo', writer => void advanceRun(writer, processing, { type: 'completed', at })))
  return { last: run.replyId, written }
}

it('a conversation of 10,000 messages, every second one streamed, opens from LevelDB in a fresh client', { timeout: 600_000 }, async () => {
  const folder = await temporaryFolder()
  const id = newConversationId()
  const name = conversationName(id)!
  const log = await openLevelDbLog({ path: join(folder.path, 'log'), durability: 'os' })
  const rooms = new RoomRegistry({
    log,
    agents: { defaultAgent: null, nameOf: () => undefined, all: [] },
    onEvents: () => {},
    now: Date.now,
    logger: createLogger('silent'),
    budgets: null,
    compactAfter: 500,
    random: { uint32: () => crypto.getRandomValues(new Uint32Array(1))[0]!, uuid: randomUUID },
    graceMs: 60_000,
    after: () => () => {},
    yieldToOthers: () => new Promise(resolve => setImmediate(resolve)),
  })
  const buildStart = performance.now()
  await rooms.use(name, async room => {
    let parentId: MessageId | null = null
    for (let at = 0; at < MESSAGES / 2; at++) {
      const { last, written } = converse(room, parentId, at)
      parentId = last
      if (at % 20 === 0) await Promise.all(written)
    }
    await room.read(() => {})
  })
  await rooms.close()
  await log.close()
  const built = performance.now() - buildStart

  const server = await startServer(folder.path)
  const before = await memory(server.pid, 'VmRSS')
  const start = performance.now()
  const reader = await Peer.join(server.syncUrl, name)
  const opened = performance.now() - start
  expect(readMessages(reader.doc)).toHaveLength(MESSAGES)
  expect(readMessages(reader.doc).at(-1)).toMatchObject({ role: 'assistant', metadata: { status: 'complete' } })
  const warmStart = performance.now()
  const second = await Peer.join(server.syncUrl, name)
  const warm = performance.now() - warmStart
  console.log(`${MESSAGES} messages (${APPENDS} appends a reply; written in ${(built / 1000).toFixed(1)} s): cold open ${opened.toFixed(0)} ms, second reader ${warm.toFixed(0)} ms, ` +
    `server RSS ${before.toFixed(0)} -> ${(await memory(server.pid, 'VmRSS')).toFixed(0)} MB (highest ${(await memory(server.pid, 'VmHWM')).toFixed(0)} MB)`)
  reader.close()
  second.close()
  await server.stop()
  await folder.remove()
})
