/** The lives of two processes notice when the runs of agents are broken in one place. */
import { afterAll, expect, it } from 'vitest'
import { runSeed, times } from '../rig/seed.ts'
import { loadVariant, removeCopies } from './load-variant.ts'
import type * as Lives from './two-processes.ts'
import type { Variant } from './variants.ts'

const variants: readonly Variant[] = [
  {
    name: 'an attempt that was overtaken goes on',
    file: 'server/agents/attempt.ts',
    find: /return current\?\.state === 'processing' && .* \? current : null/,
    replace: 'return current ?? null'
  },
  {
    name: 'an attempt that was overtaken seals',
    file: 'server/agents/attempt.ts',
    find: /const current = appendAll\(writer, started, rest\)/,
    replace: '$& ?? openRoots(writer.doc).runs.get(started.run.id)'
  },
  {
    name: 'each attempt has the number of the one before',
    file: 'shared/conversation/run.ts',
    find: /state === 'pending' \? attempt : attempt \+ 1/,
    replace: 'attempt'
  },
  {
    name: 'what was seen is gone when another attempt begins',
    file: 'server/agents/attempt.ts',
    find: /const seen = \(\(draft \?\? continued\)\?\.parts \?\? \[\]\)/,
    replace: 'const seen = (continued?.parts ?? [])'
  },
  {
    name: 'a run is begun without end',
    file: 'shared/conversation/run.ts',
    find: /run\.attempt >= limits\.attemptsPerReply/,
    replace: 'run.attempt < 0'
  },
  {
    name: 'a run that is over can be stopped',
    file: 'shared/conversation/run.ts',
    find: /(case 'cancelled':\s*return) (\{ run, effects: \[\] \})/,
    replace: "$1 event.type === 'stopped' ? end(run, event) : $2"
  },
  {
    name: 'a process works without a lease',
    file: 'server/agents/driver.ts',
    find: /if \(!lease\) return/,
    replace: 'if (!lease) return work(runId, own, own.control.signal)'
  },
  {
    name: 'a process that lost its lease goes on',
    file: 'server/agents/driver.ts',
    find: /AbortSignal\.any\(\[own\.control\.signal, lease\.lost\]\)/,
    replace: 'own.control.signal'
  },
  {
    name: 'nobody looks for runs that nobody works on',
    file: 'server/agents/driver.ts',
    find: /timers\.after\(RECOVER_EVERY_MS,/,
    replace: 'timers.after(Number.MAX_SAFE_INTEGER,'
  },
  {
    name: 'a failed write is the end of the work on a run',
    file: 'server/agents/driver.ts',
    find: /const delay = mayRetry\(error\) \?/,
    replace: 'const delay = failures < 0 ?'
  },
  {
    name: 'a stop does not end what the model was asked for',
    file: 'server/agents/driver.ts',
    find: /work\?\.control\.abort\(\)/,
    replace: 'void work'
  },
  {
    name: 'what was said is not sealed',
    file: 'server/room/advance-run.ts',
    find: /parts: draft \? draft\.parts : \[\]/,
    replace: 'parts: []'
  },
  {
    name: 'a draft outlives its run',
    file: 'server/room/advance-run.ts',
    find: /writer\.dropDraft\(effect\.draftId\)/,
    replace: 'void effect.draftId'
  },
]

/** Some need a life of many attempts. */
const WITHIN = times(3000, 300)

afterAll(removeCopies)

/** Each is a copy of the product and some seconds of lives. */
it.each(times(variants, variants.slice(0, 4)))('$name', async variant => {
  const { tryLives } = await loadVariant<typeof Lives>(variant, 'test/sim/two-processes.ts')
  const parameters = { numRuns: WITHIN, seed: runSeed(), endOnFailure: true }
  const wrong = async (how: 'continue' | 'seal') => tryLives(how, parameters).then(() => false, () => true)
  expect(await wrong('continue') || await wrong('seal'), `${WITHIN} lives of "${variant.name}" found nothing wrong (seed ${parameters.seed})`).toBe(true)
}, 600_000)
