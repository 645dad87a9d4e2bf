// What people read: no leftovers of a merge in it, and every link to a file, and to a heading in it, leads somewhere.
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '..')
const pages = ['README.md', 'bench/README.md', ...globSync('docs/**/*.md', { cwd: root })]

/** As GitHub names a heading's anchor. */
const anchorsOf = (text: string): string[] => [...text.matchAll(/^#+ (.+)$/gm)]
  .map(([, heading]) => heading!.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(' ', '-'))

test.each(pages)('%s', page => {
  const text = readFileSync(join(root, page), 'utf8')
  expect(text.match(/^(<{7}|={7}|>{7})( .*)?$/gm) ?? []).toEqual([])
  const links = [...text.matchAll(/\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)/g)]
  const dead = links.filter(([, path, anchor]) => {
    const target = path ? join(root, dirname(page), path) : join(root, page)
    return !existsSync(target) || (anchor !== undefined && !anchorsOf(readFileSync(target, 'utf8')).includes(anchor))
  })
  expect(dead.map(([link]) => link)).toEqual([])
})

test('a page that code points to is there', () => {
  const files = globSync(['{client,server,shared,scripts,test,bench}/**/*.{ts,js,svelte}', '*.{ts,js}'], { cwd: root, exclude: path => path.includes('node_modules') })
  const named = files.flatMap(file => readFileSync(join(root, file), 'utf8').match(/\bdocs\/[a-z\d/-]+\.(md|conf)\b/g) ?? [])
  expect([...new Set(named)].filter(page => !existsSync(join(root, page)))).toEqual([])
  expect(named).not.toEqual([])
})
