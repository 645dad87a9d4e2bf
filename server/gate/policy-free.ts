/** The policy of free documents (artifacts, home documents): no schema, but a role, and bounds that keep the document loadable. */
import { SkeinError } from '../../shared/errors.ts'
import { limits } from '../../shared/limits.ts'
import type { Place } from './locate.ts'
import { checkKey } from './policy.ts'
import type { Policy, PolicyView } from './policy.ts'

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
    if (holder.depth >= limits.typeDepth) throw new SkeinError('too-large', 'The update nests types too deeply.')
    const isNewRoot = holder.isNew && holder.depth === 0
    if (isNewRoot && this.#rootCount() > limits.documentRoots) throw new SkeinError('too-large', 'The document would have too many roots.')
    if (this.#view.context.role === 'viewer') this.#view.deny()
  }

  remove(): void {
    if (this.#view.context.role === 'viewer') this.#view.deny()
  }

  finish(): void {}
}
