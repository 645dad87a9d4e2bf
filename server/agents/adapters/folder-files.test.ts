/** Which files under the operator's roots are read, on a real disk; and that no name, link or race leads out of them. */
import { execFileSync } from 'node:child_process'
import { mkdir, readdir, readlink, rename, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { limits } from '../../../shared/limits.ts'
import { ManualTime } from '../../../test/rig/manual-time.ts'
import { temporaryFolder } from '../../../test/rig/server-process.ts'
import { openFolderFiles } from './folder-files.ts'
import type { FolderFilesOptions } from './folder-files.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let root: string
const SECRET = 'the operator alone may read this'
const never = new AbortController().signal

beforeEach(async () => {
  folder = await temporaryFolder()
  root = join(folder.path, 'book')
  await mkdir(join(root, 'chapters', 'deep'), { recursive: true })
  await mkdir(join(folder.path, 'outside'))
  await mkdir(join(folder.path, 'bookshelf'))
  await writeFile(join(root, 'index.md'), '# Index\n')
  await writeFile(join(root, 'chapters', 'one.md'), 'One. Ünïcödé 漢字\n')
  await writeFile(join(root, 'chapters', 'deep', 'two.md'), 'Two.\n')
  await writeFile(join(folder.path, 'outside', 'secret.txt'), SECRET)
  await writeFile(join(folder.path, 'bookshelf', 'secret.txt'), SECRET)
})
afterEach(() => folder.remove())

const open = (options: Partial<FolderFilesOptions> = {}) => openFolderFiles({ roots: [root], mayUse: () => true, ...options })
type Reading = Partial<FolderFilesOptions> & { most?: number }
const read = async (path: string, isFolder = false, { most = limits.contextBytes, ...options }: Reading = {}) => {
  const { files, leftOut } = await (await open(options)).read([{ path, isFolder }], most, never)
  expect(JSON.stringify(files)).not.toContain(SECRET)
  return { read: files.map(({ path }) => path), left: leftOut.map(({ path, why }) => `${path} ${why}`), files }
}

describe('what is read', () => {
  it('is a file, or all in a folder, what stands nearer to it first', async () => {
    expect((await read('book/chapters/one.md')).files).toEqual([{ path: 'book/chapters/one.md', text: 'One. Ünïcödé 漢字\n' }])
    expect(await read('book', true)).toMatchObject({ read: ['book/index.md', 'book/chapters/one.md', 'book/chapters/deep/two.md'], left: [] })
    expect(await read('book/chapters/', true)).toMatchObject({ read: ['book/chapters/one.md', 'book/chapters/deep/two.md'] })
  })

  it('is each file once, and nothing hidden or installed unless it is named', async () => {
    await mkdir(join(root, 'node_modules', 'x'), { recursive: true })
    await writeFile(join(root, 'node_modules', 'x', 'index.js'), 'x')
    await writeFile(join(root, '.env'), 'KEY=1')
    const files = await open()
    const { files: all } = await files.read([{ path: 'book', isFolder: true }, { path: 'book/index.md', isFolder: false }], limits.contextBytes, never)
    expect(all).toHaveLength(3)
    expect((await read('book/.env')).read).toEqual(['book/.env'])
  })

  it('is told of once, also what is left out, and not as left out where another reference led to it', async () => {
    await writeFile(join(root, 'chapters', 'picture.png'), new Uint8Array([0, 1, 2]))
    await symlink('one.md', join(root, 'chapters', 'first.md'))
    const references = [
      { path: 'book/chapters', isFolder: true }, { path: 'book/chapters/picture.png', isFolder: false },
      { path: 'book/chapters/first.md', isFolder: false },
    ]
    const { files, leftOut } = await (await open()).read(references, limits.contextBytes, never)
    expect(files.map(({ path }) => path)).toEqual(['book/chapters/one.md', 'book/chapters/deep/two.md', 'book/chapters/first.md'])
    expect(leftOut).toEqual([{ path: 'book/chapters/picture.png', why: 'binary' }])
  })

  it('through a link that stays under the root, too', async () => {
    await symlink('chapters/one.md', join(root, 'first.md'))
    expect((await read('book/first.md')).read).toEqual(['book/first.md'])
  })
})

describe('what is left out, and told', () => {
  it.each([
    ['what is not there', 'book/nothing.md', 'not-found'],
    ['a folder that is named as a file', 'book/chapters', 'not-a-file'],
    ['a root that there is not', 'etc/passwd', 'not-found'],
    ['an absolute path', '/etc/passwd', 'not-found'],
    ['the way up', 'book/../outside/secret.txt', 'not-found'],
    ['the way up behind a folder', 'book/chapters/../../outside/secret.txt', 'not-found'],
    ['the way up in another writing', 'book/..\\outside\\secret.txt', 'not-found'],
    ['the way up, encoded', 'book/%2e%2e/outside/secret.txt', 'not-found'],
    ['a neighbour whose name begins like the root', 'bookshelf/secret.txt', 'not-found'],
    ['a name with a NUL', 'book/index.md\0.txt', 'not-found'],
    ['empty parts', 'book//index.md', 'not-found'],
    ['the folder itself', 'book/.', 'not-found'],
    ['a name that is far too long', `book/${'a'.repeat(5000)}`, 'not-found']
  ])('%s', async (_, path, why) => {
    expect(await read(path)).toMatchObject({ read: [], left: [`${path} ${why}`] })
  })

  it('links that lead out: a file, a folder, the end of a chain, and in a walk every link', async () => {
    await symlink(join(folder.path, 'outside', 'secret.txt'), join(root, 'file'))
    await symlink(join(folder.path, 'outside'), join(root, 'dir'))
    await symlink('file', join(root, 'chain'))
    await symlink('../bookshelf', join(root, 'neighbour'))
    await symlink('loop', join(root, 'loop'))
    for (const path of ['book/file', 'book/dir/secret.txt', 'book/chain', 'book/neighbour/secret.txt']) expect((await read(path)).left).toEqual([`${path} link`])
    expect((await read('book/dir', true)).left).toEqual(['book/dir link'])
    expect((await read('book/loop')).left).toEqual(['book/loop not-found'])
    expect((await read('book', true)).left.sort()).toEqual(['chain', 'dir', 'file', 'loop', 'neighbour'].map(name => `book/${name} link`))
  })

  it('what is no plain file: a pipe holds nothing up', async () => {
    execFileSync('mkfifo', [join(root, 'pipe')])
    expect((await read('book/pipe')).left).toEqual(['book/pipe not-a-file'])
    expect((await read('book', true)).read).toHaveLength(3)
  })

  it('what is no text', async () => {
    await writeFile(join(root, 'picture.png'), Buffer.from([0x89, 0x50, 0x4e, 0x47, 0]))
    await writeFile(join(root, 'latin1.txt'), Buffer.from([0x66, 0xfc, 0x72]))
    expect((await read('book', true)).left.sort()).toEqual(['book/latin1.txt binary', 'book/picture.png binary'])
  })

  it('what is too large, too much together, or too many', async () => {
    await writeFile(join(root, 'large.txt'), 'x'.repeat(limits.contextFileBytes + 1))
    await writeFile(join(root, 'whole.txt'), 'x'.repeat(limits.contextFileBytes))
    expect(await read('book/large.txt')).toMatchObject({ left: ['book/large.txt too-large'] })
    expect(await read('book/whole.txt')).toMatchObject({ read: ['book/whole.txt'] })
    expect(await read('book/whole.txt', false, { most: 1000 })).toMatchObject({ left: ['book/whole.txt too-much'] })
    await mkdir(join(root, 'many'))
    for (let n = 0; n <= limits.contextFiles; n++) await writeFile(join(root, 'many', `${String(n).padStart(4, '0')}.txt`), 'x')
    const many = await read('book/many', true)
    expect([many.read.length, many.left]).toEqual([limits.contextFiles, [`book/many/${String(limits.contextFiles).padStart(4, '0')}.txt too-many`]])
  })

  it('what of a huge folder is too many: it is told, and what was found before is read', async () => {
    await mkdir(join(root, 'huge'))
    for (let n = 0; n <= limits.contextEntries; n++) await symlink('x', join(root, 'huge', `${n}.txt`))
    await writeFile(join(root, 'huge', 'real.md'), 'x')
    const { read: found, left } = await read('book/huge', true)
    expect(left).toContain('book/huge too-many')
    expect(left.length + found.length).toBeLessThanOrEqual(limits.contextEntries + 1)
    await mkdir(join(root, 'wide'))
    for (let n = 0; n <= limits.contextEntries; n++) await mkdir(join(root, 'wide', String(n)))
    const { files, leftOut } = await (await open()).read([{ path: 'book/index.md', isFolder: false }, { path: 'book/wide', isFolder: true }], limits.contextBytes, never)
    expect(files.map(({ path }) => path)).toEqual(['book/index.md'])
    expect(leftOut).toContainEqual({ path: 'book/wide', why: 'too-many' })
  }, 60_000)

  it('what there is no room for, without reading it', async () => {
    await mkdir(join(root, 'many'))
    for (let n = 0; n < 5; n++) await writeFile(join(root, 'many', `${n}.txt`), 'x'.repeat(1000))
    const opened: string[] = []
    const between = async (step: string, path: string): Promise<void> => { if (step === 'opened') opened.push(path) }
    const { read: found, left } = await read('book/many', true, { most: 2500, between })
    expect([found.length, left.length]).toEqual([2, 3])
    expect(left.every(each => each.endsWith(' too-much'))).toBe(true)
    await mkdir(join(root, 'more'))
    for (let n = 0; n < limits.contextFiles + 5; n++) await writeFile(join(root, 'more', `${n}.txt`), 'x')
    opened.length = 0
    await read('book/more', true, { between })
    expect(opened.filter(path => path.endsWith('.txt'))).toHaveLength(limits.contextFiles)
  })

  it('what lies deeper than anybody looks', async () => {
    const deep = Array.from({ length: limits.contextDepth + 1 }, (_, i) => `d${i}`)
    const last = deep.slice(0, -1)
    await mkdir(join(root, ...deep), { recursive: true })
    await writeFile(join(root, ...last, 'x.txt'), 'x')
    await writeFile(join(root, ...deep, 'y.txt'), 'y')
    const { read: found, left } = await read('book', true)
    expect(found).toContain(`book/${last.join('/')}/x.txt`)
    expect(left).toEqual([`book/${deep.join('/')} too-many`])
  })
})

it('nothing more of a folder is read when nobody waits for it', async () => {
  const opened: string[] = []
  const between = async (_step: string, path: string): Promise<void> => {
    opened.push(path)
    control.abort()
  }
  const control = new AbortController()
  const references = [{ path: 'book/chapters', isFolder: true }, { path: 'book/index.md', isFolder: false }]
  const { files } = await (await open({ between })).read(references, limits.contextBytes, control.signal)
  for (let turns = 0; turns < 50; turns++) await stat(root)
  expect([files, new Set(opened)]).toEqual([[], new Set([join(root, 'chapters')])])
})

it('a disk that stands still is not waited for: what it gave before is there, and the rest is told', async () => {
  const time = new ManualTime()
  const stands = Promise.withResolvers<void>()
  const standing = Promise.withResolvers<void>()
  const between = async (_step: string, path: string): Promise<void> => {
    if (!path.endsWith('one.md')) return
    standing.resolve()
    await stands.promise
  }
  const references = ['index.md', 'chapters', 'later.md'].map(name => ({ path: `book/${name}`, isFolder: name === 'chapters' }))
  const reading = (await open({ between, after: time.after })).read(references, limits.contextBytes, never)
  await standing.promise
  await time.advance(limits.contextSeconds * 1000)
  const { files, leftOut } = await reading
  expect(files.map(({ path }) => path)).toEqual(['book/index.md'])
  expect(leftOut).toEqual([{ path: 'book/chapters', why: 'too-slow' }, { path: 'book/later.md', why: 'too-slow' }])
  stands.resolve()
  expect(time.pending).toBe(0)
})

it('a disk that does not stand still leaves no clock behind', async () => {
  const time = new ManualTime()
  await (await open({ after: time.after })).read([{ path: 'book', isFolder: true }], limits.contextBytes, never)
  expect(time.pending).toBe(0)
})

it.skipIf(process.platform !== 'linux')('whatever was read or left out, nothing of it stays open', async () => {
  execFileSync('mkfifo', [join(root, 'pipe')])
  await symlink(join(folder.path, 'outside', 'secret.txt'), join(root, 'out.txt'))
  await truncate(join(root, 'chapters', 'one.md'), limits.contextFileBytes + 1)
  for (const path of ['book', 'book/pipe', 'book/out.txt', 'book/nowhere', 'book/index.md']) await read(path, path === 'book')
  const fds = await readdir('/proc/self/fd')
  const open = await Promise.all(fds.map(fd => readlink(`/proc/self/fd/${fd}`).catch(() => '')))
  expect(open.filter(path => path.startsWith(folder.path))).toEqual([])
})

describe('a race', () => {
  it.each(['opened', 'resolved'] as const)('that swaps the file for a link outward when it is %s reads nothing from outside', async step => {
    const target = join(root, 'index.md')
    let swapped = false
    const between = async (at: string, path: string): Promise<void> => {
      if (at !== step || path !== target || swapped) return
      swapped = true
      await rename(target, `${target}.old`)
      await symlink(join(folder.path, 'outside', 'secret.txt'), target)
    }
    await read('book/index.md', false, { between })
    expect(swapped).toBe(true)
  })

  it('that opens the file outside and then shows one inside is seen', async () => {
    const target = join(root, 'index.md')
    await rm(target)
    await symlink(join(folder.path, 'outside', 'secret.txt'), target)
    const between = async (at: string): Promise<void> => {
      if (at !== 'opened') return
      await rm(target)
      await writeFile(target, 'harmless')
    }
    expect(await read('book/index.md', false, { between })).toMatchObject({ read: [], left: ['book/index.md link'] })
  })

  it('that swaps a folder on the way for one outside is seen', async () => {
    await writeFile(join(root, 'chapters', 'secret.txt'), 'harmless')
    const between = async (at: string, path: string): Promise<void> => {
      if (at !== 'opened' || !path.endsWith('chapters')) return
      await rename(join(root, 'chapters'), join(root, 'before'))
      await symlink(join(folder.path, 'outside'), join(root, 'chapters'))
    }
    expect(await read('book/chapters', true, { between })).toMatchObject({ read: [], left: ['book/chapters link'] })
  })

  it('that makes the file grow while it is read is bounded', async () => {
    const target = join(root, 'index.md')
    const between = async (at: string): Promise<void> => {
      if (at === 'resolved') await truncate(target, limits.contextFileBytes * 4)
    }
    expect(await read('book/index.md', false, { between })).toMatchObject({ left: ['book/index.md too-large'] })
  })
})

it('roots that are no folders, or are called the same, are told at once', async () => {
  await expect(open({ roots: [join(root, 'index.md')] })).rejects.toThrow(/is not a folder/)
  await expect(open({ roots: [join(root, 'nowhere')] })).rejects.toThrow()
  await mkdir(join(folder.path, 'outside', 'book'))
  await expect(open({ roots: [root, join(folder.path, 'outside', 'book')] })).rejects.toThrow(/two roots/)
})
