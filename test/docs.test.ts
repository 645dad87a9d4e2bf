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
