// No file needs itself by way of others: each can be read, and tested, without what is built on it.

import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../../scripts/ground/processes.js'

const sources = ['shared', 'server', 'client'].flatMap(folder => readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
  .filter(file => /\.(?:ts|svelte)$/.test(file) && !/\.test\.ts$/.test(file)).map(file => join(folder, file)))

/** @returns for each file what of ours it imports, types too: written with `from` or `import(` */
const importsOf = (files: readonly string[], read: (file: string) => string): Map<string, string[]> => new Map(files.map(file =>
  [file, [...read(file).matchAll(/(?:\bfrom |\bimport\()'(\.[^']+)'/g)].map(([, path]) => normalize(join(dirname(file), path!)))]))

/** @returns each circle once, as the files on the way */
const circlesIn = (imports: ReadonlyMap<string, readonly string[]>): string[][] => {
  const circles: string[][] = []
  const done = new Set<string>()
  const visit = (file: string, way: readonly string[]): void => {
    const at = way.indexOf(file)
    if (at >= 0) circles.push([...way.slice(at), file])
    if (at >= 0 || done.has(file)) return
    for (const next of imports.get(file) ?? []) visit(next, [...way, file])
    done.add(file)
  }
  for (const file of imports.keys()) visit(file, [])
  return circles
}

test('there is no circle of imports', () => {
  const imports = importsOf(sources, file => readFileSync(join(root, file), 'utf8'))
  expect(imports.get('server/main.ts')).toContain('server/open-server.ts')
  expect(circlesIn(imports)).toEqual([])
})

test('a circle would be found, in types and in what is loaded later too', () => {
  const texts: Record<string, string> = {
    'a.ts': "import { b } from './b.ts'", 'b.ts': "import type { C } from './c/c.ts'", 'c/c.ts': "const a = await import('../a.ts')\nimport y from 'yjs'", 'd.ts': '',
  }
  expect(circlesIn(importsOf(Object.keys(texts), file => texts[file]!))).toEqual([['a.ts', 'b.ts', 'c/c.ts', 'a.ts']])
})
