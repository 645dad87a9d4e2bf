/** Loads a simulation with a broken product: all that it consists of is copied, one place changed, and the copy imported. */
import { randomUUID } from 'node:crypto'
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Summary } from './world.ts'
import type { Variant } from './variants.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** Inside the repository, so that the copies find the same packages; ignored by everything else. Each test file has its own. */
const copies = join(root, '.cache', 'simulation', randomUUID())
const PARTS = ['shared', 'server', 'client/sync', 'test/rig', 'test/sim']

export interface BrokenWorld {
  simulate: (seed: number, diskLies?: boolean) => Promise<Summary>
}

/**
 * @param entry of the simulation
 * @throws when the place to be changed is not there: then the variant has to be brought up to date
 */
export const loadVariant = async <T = BrokenWorld>({ name, file, find, replace }: Variant, entry = 'test/sim/world.ts'): Promise<T> => {
  const folder = join(copies, name.replaceAll(/[^a-z0-9]+/g, '-'))
  await mkdir(folder, { recursive: true })
  for (const part of PARTS) {
    await cp(join(root, part), join(folder, part), { recursive: true, filter: source => !/\.test\.ts$/.test(source) })
  }
  const source = await readFile(join(folder, file), 'utf8')
  if ([...source.matchAll(new RegExp(find, 'g'))].length !== 1) {
    throw new Error(`"${name}" no longer fits ${file}: ${String(find)} does not match one place. Mend the variant.`)
  }
  await writeFile(join(folder, file), source.replace(find, replace))
  return await import(pathToFileURL(join(folder, entry)).href) as T
}

export const removeCopies = (): Promise<void> => rm(copies, { recursive: true, force: true })
