/**
 * Power cuts: an ext4 file system of its own is shut down under a writing process, which drops all that was not written with fsync, and
 * is mounted again. With `fsync` everything acknowledged is there; with `os` it is measured what is not, and every
 * document begins a new epoch.
 */
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { openLevelDbLog } from '../../server/log/leveldb/leveldb-log.ts'
import { bytes, documentName } from '../contract/samples.ts'
import { runSeed, seededRandom, times, withReplay } from '../rig/seed.ts'
import { temporaryFolder } from '../rig/server-process.ts'

const RUNS = times(50, 2)
const DOCUMENTS = 4
const CHILD = fileURLToPath(new URL('../contract/append-until-killed.ts', import.meta.url))
/** FS_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH: as if the power were gone. Node has no ioctl. */
const CUT = 'import fcntl,os,struct,sys; fcntl.ioctl(os.open(sys.argv[1],os.O_RDONLY),0x8004587d,struct.pack("I",2))'

const run = (command: string, ...args: string[]): void => { execFileSync(command, args, { stdio: 'ignore' }) }

it.for(['fsync', 'os'] as const)(`${RUNS} power cuts with durability %s`, { timeout: 1_800_000 }, async (durability, { skip }) => {
  const seed = runSeed()
  const random = seededRandom(seed)
  const folder = await temporaryFolder()
  const [image, disk] = [join(folder.path, 'image'), join(folder.path, 'disk')]
  mkdirSync(disk)
  const mount = (): void => run('mount', '-o', 'loop', image, disk)
  try {
    run('truncate', '-s', '64M', image)
    run('mkfs.ext4', '-q', '-F', image)
    mount()
    run('python3', '-c', 'import fcntl')
  } catch (_notAllowed) {
    await folder.remove()
    return skip('No ext4 image can be mounted here: that takes Linux, root, mkfs.ext4 and python3.')
  }
  let [acknowledged, missing] = [0, 0]
  try {
    await withReplay(seed, 'test/crash/power-cut.test.ts', async () => {
      for (let round = 0; round < RUNS; round++) {
        const store = join(disk, `store-${round}`)
        const last = await appendUntilCut(store, durability, 20 + Math.floor(random() * 200), () => run('python3', '-c', CUT, disk))
        run('umount', disk)
        mount()
        const log = await openLevelDbLog({ path: store, durability })
        // Devices may have seen what is not there: with `os` every document begins a new epoch, so that nobody merges that.
        expect(log.newEpochsSince === log.generation).toBe(durability === 'os')
        for (const [document, sequence] of last) {
          const updates = (await log.read(documentName(`d${document}`)))?.updates ?? []
          expect(updates).toEqual(Array.from(updates, (_, n) => bytes(n)))
          acknowledged += sequence + 1
          missing += Math.max(0, sequence + 1 - updates.length)
        }
        await log.close()
      }
    })
    if (durability === 'fsync') expect(missing).toBe(0)
    console.log(`${RUNS} power cuts with ${durability}: ${missing} of ${acknowledged} acknowledged records missing (seed ${seed})`)
  } finally {
    run('umount', '-l', disk)
    await folder.remove()
  }
})

/** @returns the last acknowledged sequence of each document */
const appendUntilCut = async (path: string, durability: string, after: number, cut: () => void): Promise<Map<number, number>> => {
  const child = spawn(process.execPath, [CHILD, path, durability, String(DOCUMENTS)], { stdio: ['ignore', 'pipe', 'ignore'] })
  const exited = new Promise(resolve => child.once('exit', resolve))
  const last = new Map<number, number>()
  let seen = 0
  for await (const line of createInterface(child.stdout)) {
    const [document, sequence] = line.split(' ')
    // What is acknowledged after the cut was said by a process that did not know of it yet; only before it counts.
    if (document !== 'generation' && sequence !== undefined && seen < after) last.set(Number(document), Number(sequence))
    if (++seen === after) {
      cut()
      child.kill('SIGKILL')
    }
  }
  await exited
  return last
}
