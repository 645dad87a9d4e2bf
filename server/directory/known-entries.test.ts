/** What the directory's memory answers for, beside a disk whose reads end when the test says so. */
import { beforeEach, expect, test } from 'vitest'
import type { DocumentName, UserId } from '../../shared/ids.ts'
import { limits } from '../../shared/limits.ts'
import { documentName, userId } from '../../test/contract/samples.ts'
import { KnownEntries } from './known-entries.ts'
import type { DirectoryEntry, Member } from './port.ts'

const a = documentName('a')

const entryOf = (name: DocumentName, createdAt: number, people = 1): DirectoryEntry => {
  const members = Array.from({ length: people }, (_, n): [UserId, Member] => [userId(`user-${n}`), { role: 'owner', name: 'U' }])
  return { name, createdAt, members: new Map(members), readers: new Set(), removed: new Map(), firstEpoch: null, deletedAt: null }
}

let disk: Map<DocumentName, DirectoryEntry>
let term: number
let reads: DocumentName[]
/** A read has what the disk had when it began, and ends after this. */
let reading: Promise<void>
let known: KnownEntries

beforeEach(() => {
  disk = new Map([[a, entryOf(a, 1)]])
  term = 0
  reads = []
  reading = Promise.resolve()
  known = new KnownEntries({
    read: async name => {
      reads.push(name)
      const found = disk.get(name) ?? null
      await reading
      return found
    },
    term: () => term,
  })
})

const change = (createdAt: number): void => {
  disk.set(a, entryOf(a, createdAt))
  known.put(disk.get(a)!)
}

test('all who ask at once wait for one reading, and who comes later for none', async () => {
  const found = await Promise.all(Array.from({ length: 100 }, () => known.find(a)))
  expect(new Set(found).size).toBe(1)
  expect(await known.find(a)).toBe(found[0])
  expect(reads).toEqual([a])
})

test('what was written is known without a reading', async () => {
  change(2)
  expect((await known.find(a))?.createdAt).toBe(2)
  expect(reads).toEqual([])
})

test('a reading that a change overtook answers nobody and is not kept', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  reading = promise
  const [early, also] = [known.find(a), known.find(a)]
  change(2)
  expect((await known.find(a))?.createdAt).toBe(2)
  resolve()
  expect([(await early)?.createdAt, (await also)?.createdAt]).toEqual([2, 2])
  expect((await known.find(a))?.createdAt).toBe(2)
  expect(reads).toEqual([a])
})

test('after a failed write the disk is asked again, by who had begun before it, too', async () => {
  const b = documentName('b')
  disk.set(b, entryOf(b, 1))
  await known.find(b)
  const { promise, resolve } = Promise.withResolvers<void>()
  reading = promise
  const early = known.find(a)
  term++
  for (const name of [a, b]) disk.set(name, entryOf(name, 2))
  resolve()
  expect([(await early)?.createdAt, (await known.find(a))?.createdAt, (await known.find(b))?.createdAt]).toEqual([2, 2, 2])
  expect(reads).toEqual([b, a, a, b])
})

test('a reading that failed is tried again by the next who asks', async () => {
  reading = Promise.reject(new Error('damaged'))
  await expect(known.find(a)).rejects.toThrow('damaged')
  reading = Promise.resolve()
  expect((await known.find(a))?.createdAt).toBe(1)
})

test('a name that nobody has is asked for each time', async () => {
  const b = documentName('b')
  expect([await known.find(b), await known.find(b)]).toEqual([null, null])
  disk.set(b, entryOf(b, 3))
  expect((await known.find(b))?.createdAt).toBe(3)
})

test.each([50, limits.membersPerDocument])('so many people are kept, however many belong to one document (%i), and those of busy ones', async (people) => {
  const most = limits.keptMemberships / (1 + people)
  const names = Array.from({ length: Math.ceil(most * 3) }, (_, n) => documentName(`n${n}`))
  change(2)
  for (const name of names) {
    known.put(entryOf(name, 1, people))
    await known.find(a)
  }
  expect(reads).toEqual([])
  // From the latest on, so that what is read does not put out what was kept.
  let kept = 0
  for (const name of names.reverse()) {
    await known.find(name)
    if (reads.length > 0) break
    kept++
  }
  expect(kept).toBeGreaterThan(most / 2 - 2)
  expect(kept).toBeLessThanOrEqual(most)
})

test('nobody can change what all are answered with', async () => {
  const entry = (await known.find(a))!
  const members = entry.members as Map<UserId, Member>
  expect(() => members.set(userId('ben'), { role: 'owner', name: 'B' })).toThrow('by the directory alone')
  expect(() => members.clear()).toThrow('by the directory alone')
  expect(() => members.delete(userId('user-0'))).toThrow('by the directory alone')
  expect(() => (entry.readers as Set<UserId>).add(userId('ben'))).toThrow('by the directory alone')
  expect(() => Object.assign(entry.members.get(userId('user-0'))!, { role: 'viewer' })).toThrow()
  expect(() => Object.assign(entry, { deletedAt: 7 })).toThrow()
  expect(await known.find(a)).toEqual(entryOf(a, 1))
})
