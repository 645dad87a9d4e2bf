/**
 * Flipped bits in the real files of a store: afterwards everything reads as it was written, or what does not is refused by name, and
 * `verify` had named it. Never is a wrong text served, and never does one damaged place keep the server from starting.
 */
import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { SkeinError } from '../../shared/errors.ts'
import type { DocumentName } from '../../shared/ids.ts'
import { openLevelDbLog } from '../../server/log/leveldb/leveldb-log.ts'
import type { LevelDbLog } from '../../server/log/leveldb/leveldb-log.ts'
import { verifyStore } from '../../server/log/leveldb/verify.ts'
import type { Finding } from '../../server/log/leveldb/verify-database.ts'
import { documentName, event, lineage, record, requestId, runId, summary, taken, userId } from '../contract/samples.ts'
import { runSeed, seededRandom, times, withReplay } from '../rig/seed.ts'

const RUNS = times(1000, 20)
const DOCUMENTS = 12
/** More than one document is written. */
const REQUESTS = 100

const names = Array.from({ length: DOCUMENTS }, (_, n) => documentName(`a-conversation-${n}`))
/** What one document answers, by kind of thing; `damaged` where it was refused by name. */
type Answers = Record<'document' | 'ledger' | 'events' | 'summary', unknown>

it(`names everything that ${RUNS} flipped bits lost or changed`, { timeout: 3_600_000 }, async () => {
  const seed = runSeed()
  await withReplay(seed, 'test/crash/flipped-bytes.test.ts', async () => {
    const random = seededRandom(seed)
    const home = await mkdtemp(join(tmpdir(), 'skein-flip-'))
    const counts = { unharmed: 0, harmed: 0, documents: 0 }
    try {
      const stores = [join(home, 'log-only'), join(home, 'with-tables')]
      const written = [await write(stores[0]!, false, random), await write(stores[1]!, true, random)]
      for (let run = 0; run < RUNS; run++) {
        const path = join(home, `run-${run}`)
        await cp(stores[run % 2]!, path, { recursive: true })
        const where = await flip(path, random)
        const findings = await verifyStore(path)
        const log = await openLevelDbLog({ path, durability: 'fsync' })
        const harmed = await compare(log, written[run % 2]!, findings, where)
        counts[harmed > 0 || findings.length > 0 ? 'harmed' : 'unharmed']++
        counts.documents += harmed
        await log.close()
        await rm(path, { recursive: true })
      }
      expect(await Promise.all(stores.map(store => verifyStore(store)))).toEqual([[], []])
    } finally {
      await rm(home, { recursive: true, force: true })
    }
    const { unharmed, harmed, documents } = counts
    console.log(`${RUNS} flipped bits: ${unharmed} harmed nothing, ${harmed} were named, ${documents} documents refused, 0 wrong (seed ${seed})`)
  })
})

/** A store as a server leaves it: updates of real documents, everything beside them, compactions, an erased document. */
const write = async (path: string, tables: boolean, random: () => number): Promise<Map<DocumentName, Answers>> => {
  const log = await openLevelDbLog({ path, durability: 'fsync' })
  const documents = names.map((name, n) => ({ name, doc: new Y.Doc(), records: 0, n }))
  const turns = tables ? 300 : 150
  for (let turn = 0; turn < turns; turn++) {
    const document = documents[Math.floor(random() * DOCUMENTS)]!
    const { name, doc, n } = document
    let update = new Uint8Array()
    doc.once('update', (bytes: Uint8Array) => { update = new Uint8Array(bytes) })
    const words = Array.from({ length: 1 + Math.floor(random() * 40) }, () => Math.floor(random() * 1e6).toString(36)).join(' ')
    doc.getText('t').insert(0, `${words}. `)
    await log.append(name, record(update, {
      stateVector: () => Y.encodeStateVector(doc),
      ledger: [taken(n * REQUESTS + document.records)],
      events: [event(`turn ${turn}`)],
      bindings: [{ clientId: turn, owner: userId('anna') }],
      ...document.records === 0 && { lineage: lineage(`epoch of ${n}`), openedRuns: [runId(n)] },
      ...turn % 3 === 0 && { summary: summary(`Title ${turn}`) },
    }))
    document.records++
    if (random() < 0.02) {
      await log.compact(name, { update: Y.encodeStateAsUpdate(doc), stateVector: Y.encodeStateVector(doc), upTo: document.records - 1 })
    }
  }
  await log.store.commit([{ type: 'put', key: ['skein', 'directory', names[0]!], value: Buffer.from('{"createdAt":1}') }])
  await log.close()
  const reopened = await openLevelDbLog({ path, durability: 'fsync' })
  if (tables) await reopened.erase(documentName('nothing'))
  const answers = new Map<DocumentName, Answers>()
  for (const name of names) answers.set(name, await answersOf(reopened, name))
  await reopened.close()
  return answers
}

const flip = async (path: string, random: () => number): Promise<string> => {
  const files = (await readdir(path)).filter(file => /\.(log|ldb)$/.test(file)).sort()
  const contents = await Promise.all(files.map(file => readFile(join(path, file))))
  const sizes = contents.map(content => content.length)
  let at = Math.floor(random() * sizes.reduce((sum, size) => sum + size, 0))
  const index = sizes.findIndex(size => at < size || (at -= size, false))
  const bit = Math.floor(random() * 8)
  contents[index]![at]! ^= 1 << bit
  await writeFile(join(path, files[index]!), contents[index]!)
  return `bit ${bit} of byte ${at} of ${files[index]} (${sizes[index]} bytes)`
}

const answersOf = async (log: LevelDbLog, name: DocumentName): Promise<Answers> => {
  const n = names.indexOf(name)
  const ids = Array.from({ length: REQUESTS }, (_, i) => requestId(n * REQUESTS + i))
  const refused = (error: unknown): string => {
    if (error instanceof SkeinError && error.code === 'log-damaged') return 'damaged'
    throw error
  }
  const document = await log.read(name).catch((error: unknown) => {
    if (error instanceof SkeinError) expect(error.message).toContain(name)
    return refused(error)
  })
  return {
    document,
    ledger: await log.ledger(name, ids).catch(refused),
    events: await log.events(name, -1, 10_000).catch(refused),
    summary: (await log.summaries([name])).get(name) ?? 'damaged',
  }
}

/** @returns how many documents were refused */
const compare = async (log: LevelDbLog, written: Map<DocumentName, Answers>, findings: Finding[], where: string): Promise<number> => {
  let harmed = 0
  for (const [name, before] of written) {
    const now = await answersOf(log, name)
    const named = findings.some(({ document }) => document === name)
    const told = `${where}: ${name}\n${findings.map(({ document, what }) => `${document}: ${what}`).join('\n')}`
    if (now.document === 'damaged') {
      harmed++
      expect(named, `refused, but not named by verify: ${told}`).toBe(true)
      continue
    }
    const { updates } = now.document as { updates: unknown }
    expect(updates, `other text is served: ${told}`).toEqual((before.document as { updates: unknown }).updates)
    if (named) continue
    // What is not named is whole, with everything beside it.
    for (const kind of ['document', 'ledger', 'events', 'summary'] as const) {
      const whole = equal(now[kind], before[kind]) || (findings.some(({ document }) => document === null))
      expect(whole, `changed, but not named: the ${kind} of ${told}`).toBe(true)
    }
  }
  return harmed
}

const equal = (a: unknown, b: unknown): boolean => {
  try {
    expect(a).toEqual(b)
    return true
  } catch (_different) {
    return false
  }
}
