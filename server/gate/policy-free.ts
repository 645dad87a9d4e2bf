/** The policy of free documents (artifacts, home documents): no schema, but a role, and bounds that keep the document loadable. */
import { SkeinError } from '../../shared/errors.ts'
import type { Place } from './locate.ts'
import { checkKey } from './policy.ts'
import type { Policy, PolicyView } from './policy.ts'

/** Types inside types. Yjs deletes them by recursion: some thousands end its stack. */
export const MAX_NESTING = 64
/** Yjs looks a root's name up by walking over all roots, for each struct that it stores. */
export const MAX_ROOTS = 1024

export class FreePolicy implements Policy {
  readonly #view: PolicyView
  readonly #rootCount: () => number

  /** @param rootCount roots that the document will have after what was resolved so far */
  constructor(view: PolicyView, rootCount: () => number) {
    this.#view = view
    this.#rootCount = rootCount
  }

  root(name: string): void {
    checkKey(name)
  }

  write(_item: unknown, { holder }: Place): void {
    if (holder.depth >= MAX_NESTING) throw new SkeinError('too-large', 'The update nests types too deeply.')
    if (this.#rootCount() > MAX_ROOTS) throw new SkeinError('too-large', 'The document would have too many roots.')
    if (this.#view.context.role === 'viewer') this.#view.deny()
  }

  remove(): void {
    if (this.#view.context.role === 'viewer') this.#view.deny()
  }

  finish(): void {}
}
