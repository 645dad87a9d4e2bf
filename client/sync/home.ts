/**
 * What goes with a person to all of their devices and is nobody else's: their home document, `home/<userId>`. It holds the system prompts
 * that they keep. Who was a guest before has that guest's home too: what is in it is shown with their own, and changed where it is.
 */
import * as Y from 'yjs'
import type { SyncedDocument } from './synced-document.ts'
import { SkeinError } from '../../shared/errors.ts'
import { limits } from '../../shared/limits.ts'

/** A system prompt that a person keeps. */
export interface Prompt {
  id: string
  name: string
  text: string
}

export interface HomeView {
  /** By name. */
  prompts: readonly Prompt[]
  /** The stores of this device are read. */
  loaded: boolean
  /** Changes that are not on the server's disk, or may not be. */
  hasUnsaved: boolean
  storageProblem: string | null
}

type Document = Pick<SyncedDocument, 'doc' | 'loaded' | 'hasUnsaved' | 'storageProblem' | 'subscribe' | 'close' | 'closed'>

export class Home {
  readonly #documents: readonly [Document, ...Document[]]
  readonly #newId: () => string
  readonly closed: Promise<void>

  /** @param documents the person's own home first, then those of the guests that they were */
  constructor(documents: readonly [Document, ...Document[]], newId: () => string) {
    this.#documents = documents
    this.#newId = newId
    this.closed = Promise.all(documents.map(each => each.closed)).then(() => {})
  }

  view(): HomeView {
    return {
      prompts: this.#documents.flatMap(({ doc }) => readPrompts(doc)).sort(byName),
      loaded: this.#documents.every(({ loaded }) => loaded),
      hasUnsaved: this.#documents.some(({ hasUnsaved }) => hasUnsaved),
      storageProblem: this.#documents.find(({ storageProblem }) => storageProblem !== null)?.storageProblem ?? null
    }
  }

  /** Called after anything changed. @returns how to stop */
  subscribe(listener: () => void): () => void {
    const stops = this.#documents.map(each => each.subscribe(listener))
    return () => stops.forEach(stop => stop())
  }

  /**
   * Keeps a prompt, or another name or text of one that there is. Of two devices that change one while they are offline the server has the
   * last word.
   * @returns its id
   * @throws SkeinError `invalid-request`: nothing was changed
   */
  keepPrompt({ id, name, text }: Omit<Prompt, 'id'> & { id?: string | undefined }): string {
    const [called, told] = [name.trim(), text.trim()]
    if (called === '' || told === '') throw invalid('A prompt needs a name and a text')
    if (called.length > limits.promptNameLength) throw invalid(`A prompt's name has at most ${limits.promptNameLength} characters`)
    if (told.length > limits.systemPromptLength) throw invalid(`A prompt has at most ${limits.systemPromptLength.toLocaleString()} characters`)
    const key = id ?? this.#newId()
    const holder = this.#holderOf(key)
    if (!holder && this.view().prompts.length >= limits.promptsPerPerson) {
      throw invalid(`You keep ${limits.promptsPerPerson} prompts, which is as many as one person may; delete one first`)
    }
    promptsOf((holder ?? this.#documents[0]).doc).set(key, { name: called, text: told })
    return key
  }

  removePrompt(id: string): void {
    const holder = this.#holderOf(id)
    if (holder) promptsOf(holder.doc).delete(id)
  }

  async close(): Promise<void> {
    await Promise.all(this.#documents.map(each => each.close()))
  }

  #holderOf(id: string): Document | undefined {
    return this.#documents.find(({ doc }) => promptsOf(doc).has(id))
  }
}

const byName = (a: Prompt, b: Prompt): number => a.name.localeCompare(b.name) || (a.id < b.id ? -1 : 1)

const promptsOf = (doc: Y.Doc): Y.Map<unknown> => doc.getMap('prompts')

/** The document is free: what another program wrote there may be anything. */
const readPrompts = (doc: Y.Doc): Prompt[] => [...promptsOf(doc)].flatMap(([id, value]) => {
  const { name, text } = typeof value === 'object' && value !== null ? value as Record<string, unknown> : {}
  return typeof name === 'string' && typeof text === 'string' && text.length <= limits.systemPromptLength
    ? [{ id, name: name.slice(0, limits.promptNameLength), text }] : []
})

const invalid = (what: string): SkeinError => new SkeinError('invalid-request', `${what}, so nothing was changed.`)
