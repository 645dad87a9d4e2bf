/** The order in which Yjs will integrate the structs of an update, found without recursion, and what keeps it from integrating them all. */
import * as Y from 'yjs'
import { SkeinError } from '../../shared/errors.ts'
import type { Block, Found, Struct, UpdateIndex } from './update-index.ts'
import { endOf, startOf } from './update-index.ts'

/** `gap`: clocks of the same client are missing before a struct; `dependency`: another client's struct is. */
export type Missing = 'gap' | 'dependency'

/**
 * Visits every struct whose references are all known or visited before it: the same descent from client to client that Yjs does, with
 * a stack of clients. References to the struct's own client must be older than it, which is checked before.
 * @returns what is missing when not all structs could be visited
 * @throws SkeinError `malformed` when structs wait for one another
 */
export const visitInOrder = (index: UpdateIndex, visit: (struct: Found, block: Block) => void): Missing | null => {
  const stalled = new Map<Block, Missing>()
  const blocks = [...index.blocks.values()].sort((a, b) => b.client - a.client)
  for (const block of blocks) {
    const waiting: { block: Block, until: number }[] = [{ block, until: Infinity }]
    while (waiting.length > 0) {
      const { block, until } = waiting.at(-1)!
      const struct = block.structs[block.next]
      if (block.clock > until || struct === undefined || stalled.has(block)) {
        waiting.pop()
        continue
      }
      if (startOf(struct) > block.clock || (struct instanceof Y.Skip && endOf(struct) > block.clock)) {
        stalled.set(block, 'gap')
        continue
      }
      const missing = firstMissing(index, struct)
      if (missing === null) {
        if (!(struct instanceof Y.Skip)) visit(struct, block)
        block.next++
        block.clock = Math.max(block.clock, endOf(struct))
        continue
      }
      const source = index.blocks.get(missing.client)
      if (!source || missing.clock >= source.end || stalled.has(source)) stalled.set(block, 'dependency')
      else if (waiting.some(other => other.block === source)) throw new SkeinError('malformed', 'Structs of the update wait for one another.')
      else waiting.push({ block: source, until: missing.clock })
    }
  }
  if (stalled.size === 0) return null
  return [...stalled.values()].includes('gap') ? 'gap' : 'dependency'
}

const firstMissing = (index: UpdateIndex, struct: Struct): Y.ID | null => {
  if (!(struct instanceof Y.Item)) return null
  const { client } = struct.id
  const isMissing = (id: unknown): boolean => id instanceof Y.ID && id.client !== client && id.clock >= index.progress(id.client)
  if (isMissing(struct.origin)) return struct.origin
  if (isMissing(struct.rightOrigin)) return struct.rightOrigin
  const parent: unknown = struct.parent
  return parent instanceof Y.ID && isMissing(parent) ? parent : null
}
