/**
 * `/api/bots/runs`, for bots themselves: what they are asked, as it comes, and their replies, as these grow. A bot hears of what stands
 * where its person may write at that moment and its token reaches, and a reply ends with that right.
 */
import { Hono } from 'hono'
import type { Context } from 'hono'
import type { SSEStreamingApi } from 'hono/streaming'
import { BOT_ASKED_EVENT, BOT_OVER_EVENT } from '../../shared/api/bot-schemas.ts'
import type { BotAsked } from '../../shared/api/bot-schemas.ts'
import { SkeinError } from '../../shared/errors.ts'
import { documentId, parseRunId } from '../../shared/ids.ts'
import type { RunId } from '../../shared/ids.ts'
import { holderOf } from '../../shared/principal.ts'
import type { Principal } from '../../shared/principal.ts'
import type { Asked, BotDesk, GivenReply } from '../agents/bot-desk-port.ts'
import type { LiveRole, LiveRoles } from '../room/live-roles.ts'
import type { Proof, Proofs } from '../room/proofs.ts'
import type { Gatekeeper } from './access.ts'
import { credentialsOf } from './context.ts'
import type { Paced } from './context.ts'
import type { EventStreams } from './event-streams.ts'
import { ToldInTurn } from './told-in-turn.ts'

export interface BotRunsOptions {
  desk: BotDesk
  proofs: Pick<Proofs, 'enter'>
  roles: Pick<LiveRoles, 'enter'>
  gatekeeper: Pick<Gatekeeper, 'enterDocument'>
  streams: EventStreams
}

type ActingBot = NonNullable<Principal['bot']>

export const botRunRoutes = ({ desk, proofs, roles, gatekeeper, streams }: BotRunsOptions): Hono<Paced> => {
  const app = new Hono<Paced>()

  app.get('/', async c => {
    const [proof, bot] = await enterAsBot(proofs, c)
    const mayAnswer = async ({ conversation }: Asked): Promise<boolean> =>
      gatekeeper.enterDocument(conversation, proof.principal).then(({ role }) => role !== 'viewer', () => false)
    return streams.answer(c, proof, (stream, end) => {
      const { events } = new Program(stream, { find: run => desk.find(bot.id, run), mayAnswer, end })
      const close = desk.listen(bot.id, { asked: ({ run }) => events.add(run), over: run => events.add(run) })
      return { write: work => void events.write(work), close }
    })
  })

  app.post('/:id/reply', async c => {
    const [proof, bot] = await enterAsBot(proofs, c)
    try {
      const run = parseRunId(c.req.param('id'))
      const asked = run && desk.find(bot.id, run)
      if (!asked) throw new SkeinError('not-found')
      const standing = await roles.enter(asked.conversation, proof.principal)
      if (!standing) throw new SkeinError('not-found')
      try {
        if (standing.role === 'viewer') throw new SkeinError('viewer')
        const reply = desk.begin(bot.id, asked.run)
        whileAllowed(proof, standing, reply)
        await sayAll(reply, c.req.raw.body)
        return c.json({ run: asked.run, state: await Promise.race([reply.ended, gone(c.req.raw.signal)]) })
      } finally {
        standing.leave()
      }
    } finally {
      proof.leave()
    }
  })

  return app
}

interface ProgramPorts {
  /** What the bot is asked by this run; null: nothing, or nothing any more. */
  find: (run: RunId) => Asked | null
  mayAnswer: (asked: Asked) => Promise<boolean>
  end: () => void
}

/** A program that listens, told of runs as they stand. */
class Program {
  readonly events: ToldInTurn<RunId>
  readonly #stream: SSEStreamingApi
  readonly #ports: ProgramPorts
  readonly #told = new Map<RunId, Asked>()

  constructor(stream: SSEStreamingApi, ports: ProgramPorts) {
    this.#stream = stream
    this.#ports = ports
    this.events = new ToldInTurn(run => this.#tell(run), ports.end)
  }

  async #tell(run: RunId): Promise<void> {
    const [asked, before] = [this.#ports.find(run), this.#told.get(run)]
    if (before === asked) return
    if (this.#told.delete(run)) await this.#stream.writeSSE({ event: BOT_OVER_EVENT, data: JSON.stringify({ run }) })
    if (!asked || !await this.#ports.mayAnswer(asked) || this.#ports.find(run) !== asked) return
    this.#told.set(run, asked)
    await this.#stream.writeSSE({ event: BOT_ASKED_EVENT, data: JSON.stringify(shown(asked)) })
  }
}

const enterAsBot = async (proofs: Pick<Proofs, 'enter'>, c: Context<Paced>): Promise<[Proof, ActingBot]> => {
  const proof = await proofs.enter(credentialsOf(c))
  if (!proof) throw new SkeinError('unauthenticated')
  const { bot } = proof.principal
  try {
    c.var.admitPerson?.(holderOf(proof.principal).id)
    if (!bot) throw new SkeinError('not-allowed', 'Only a bot is asked here, by a token that acts as it. Nothing was changed.')
    return [proof, bot]
  } catch (error) {
    proof.leave()
    throw error
  }
}

/** What takes the bot's right to write there ends its reply, with what there is of it. */
const whileAllowed = (proof: Proof, standing: LiveRole, reply: GivenReply): void => {
  const end = (): void => reply.fail(new SkeinError('agent-failed', 'The bot may not write here any more. What had arrived is kept.'))
  const judge = (role: LiveRole['role']): void => { if (role === null || role === 'viewer') end() }
  proof.whenEnded(end)
  standing.whenChanged(judge)
  judge(standing.role)
}

/** Resolves when nobody is left to hear how the run ended, which may take as long as a disk that fails. */
const gone = (signal: AbortSignal): Promise<null> => new Promise(resolve => {
  if (signal.aborted) resolve(null)
  else signal.addEventListener('abort', () => resolve(null), { once: true })
})

/** As it arrives, until the run is over. A reply whose sender went away in the middle is not whole, and says so. */
const sayAll = async (reply: GivenReply, body: ReadableStream<Uint8Array> | null): Promise<void> => {
  const decoder = new TextDecoder()
  const reader = body?.getReader()
  const stop = (): void => void reader?.cancel().catch(() => undefined)
  // It ends the read that is under way. A race of the two would keep each piece for as long as the reply takes.
  reply.ended.then(stop, stop)
  try {
    for (;;) {
      const next = await reader?.read()
      if (!next || next.done) break
      await reply.say(decoder.decode(next.value, { stream: true }))
    }
    await reply.say(decoder.decode())
    reply.finish()
  } catch (error) {
    if (error instanceof SkeinError) return
    reply.fail(new SkeinError('agent-failed', 'The bot broke off before its reply was finished. What had arrived is kept; try again.', { cause: error }))
  } finally {
    stop()
  }
}

const shown = ({ run, conversation, message, already }: Asked): BotAsked =>
  ({ run, conversation: documentId(conversation), message, already })
