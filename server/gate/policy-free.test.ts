/** How deep and how wide a free document may become. */
import { expect, it } from 'vitest'
import { limits } from '../../shared/limits.ts'
import { LittleServer } from '../../test/fuzz/little-server.ts'
import { any, oneBlock, type } from '../../test/fuzz/update-writer.ts'
import type { StructSpec } from '../../test/fuzz/update-writer.ts'
import { NEW, send, sendStructs } from '../../test/fuzz/verdicts.ts'
import { liveArtifact } from '../../test/fuzz/worlds.ts'

it('types are nested so deep, and no deeper', () => {
  const deep = (levels: number): StructSpec[] => Array.from({ length: levels }, (_, i) =>
    ({ parent: i === 0 ? 'deep' : [NEW, i - 1] as const, key: 'a', content: type('map') }))
  expect(sendStructs(liveArtifact(), ...deep(limits.typeDepth))).toBe('accept')
  expect(sendStructs(liveArtifact(), ...deep(limits.typeDepth + 1))).toBe('too-large')
  expect(sendStructs(liveArtifact(), ...deep(20_000))).toBe('too-expensive')
})

it('names are so long, and no longer', () => {
  const named = (length: number) => sendStructs(liveArtifact(), { parent: 'r'.repeat(length), content: any(1) })
  expect(named(limits.keyLength)).toBe('accept')
  expect(named(limits.keyLength + 1)).toBe('too-large')
})

it('a document has so many roots, which can be written when there are no more', () => {
  const server = new LittleServer('free')
  const roots = (from: number, to: number) =>
    send(server, oneBlock(NEW, from, ...Array.from({ length: to - from }, (_, i) => ({ parent: `root ${from + i}`, content: any(1) }))))
  expect(roots(0, limits.documentRoots)).toBe('accept')
  expect(roots(limits.documentRoots, limits.documentRoots + 1)).toBe('too-large')
  expect(send(server, oneBlock(NEW, limits.documentRoots, { parent: 'root 0', content: any(2) }))).toBe('accept')
})
