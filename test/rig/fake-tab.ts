/** One of the tabs of a {@link TabWorld}: what a browser is to a tab session, and the store that it would open. */
import { seededRandom } from './seed.ts'
import type { TabWorld } from './tab-world.ts'
import type { DocumentStore } from '../../client/sync/port.ts'
import type { TabMessage } from '../../client/sync/tabs/message.ts'
import type { Lifecycle, TabSurroundings } from '../../client/sync/tabs/port.ts'

export class FakeTab {
  readonly name: string
  /** `stuck`: busy, nothing reaches it. `frozen`: the browser stopped it, and it was told. */
  state: 'runs' | 'stuck' | 'frozen' | 'gone' = 'runs'
  receive: (message: TabMessage) => void = () => {}
  readonly #world: TabWorld
  /** Its own, so that what the test decides does not depend on when a tab asks. */
  readonly #random: () => number
  readonly #inbox: (() => void)[] = []
  #lifecycle: Lifecycle | null = null

  constructor(name: string, world: TabWorld) {
    this.name = name
    this.#world = world
    this.#random = seededRandom(world.random() * 2 ** 32)
  }

  get canRun(): boolean {
    return this.state === 'runs' && this.#inbox.length > 0
  }

  /** Something waits for it, so it may not know yet what happened. */
  get isBehind(): boolean {
    return this.#inbox.length > 0
  }

  deliver(run: () => void): void {
    if (this.state !== 'gone') this.#inbox.push(run)
  }

  runOne(): void {
    this.#inbox.shift()?.()
  }

  freeze(): void {
    this.#lifecycle?.freeze()
    this.state = 'frozen'
  }

  goOn(): void {
    const wasFrozen = this.state === 'frozen'
    this.state = 'runs'
    if (wasFrozen) this.#lifecycle?.resume()
  }

  surroundings(): TabSurroundings {
    const world = this.#world
    return {
      lock: () => ({ request: (how, handlers) => world.request(how, { tab: this, handlers }) }),
      channel: (_name, receive) => {
        let open = true
        this.receive = message => {
          if (open) receive(message)
        }
        return {
          post: message => {
            if (this.state !== 'gone') world.post(this, message)
          },
          close: () => {
            open = false
          }
        }
      },
      lifecycle: handlers => {
        this.#lifecycle = handlers
        return () => {
          this.#lifecycle = null
        }
      },
      now: world.time.now,
      random: target => target.map(() => Math.floor(this.#random() * 256)),
      after: (ms, run) => world.time.after(ms, () => this.deliver(run))
    }
  }

  store(): DocumentStore {
    const world = this.#world
    const { disk } = world
    let { generation } = disk
    let lost: (() => void) | null = null
    let fence: number | null = null
    let writing: Promise<void> = Promise.resolve()
    const write = (apply: () => void): Promise<void> => {
      let isFenced = false
      const written = world.write(this, () => {
        isFenced = fence !== null && disk.fence > fence
        if (!isFenced) apply()
      })
      writing = written
      return written.then(() => {
        if (!isFenced) return
        lost?.()
        return new Promise(() => {})
      })
    }
    const inGeneration = (apply: () => void) => () => {
      if (generation === disk.generation) apply()
    }
    return {
      claim: listener => {
        lost = listener
      },
      load: () => world.read(this, () => {
        if (lost) fence ??= ++disk.fence
        generation = disk.generation
        const { epoch, updates, outbox, writers, unsaved } = disk
        return {
          generation: String(generation), epoch, role: 'owner', updates: [...updates], outbox: [...outbox.values()], gone: [...disk.gone], writers: [...writers],
          ...unsaved !== undefined && { unsaved }
        }
      }),
      append: (update, own = false) => write(inGeneration(() => {
        disk.updates.push(update)
        if (own) disk.unsaved = true
      })),
      markSaved: () => write(inGeneration(() => {
        disk.unsaved = false
      })),
      noteWriter: clientId => write(inGeneration(() => disk.writers.push(clientId))),
      setEpoch: epoch => write(inGeneration(() => {
        disk.epoch = epoch
      })),
      putOutbox: entry => write(() => {
        if (!disk.gone.has(entry.id)) disk.outbox.set(entry.id, entry)
      }),
      deleteOutbox: id => write(() => {
        disk.outbox.delete(id)
        disk.gone.add(id)
      }),
      rebuild: (epoch, keepOld) => write(() => {
        if (keepOld) disk.kept.set(String(disk.generation), { updates: disk.updates, writers: disk.writers })
        generation = ++disk.generation
        disk.updates = []
        disk.writers = []
        delete disk.unsaved
        disk.epoch = epoch
      }),
      kept: {
        list: () => world.read(this, () => [...disk.kept].map(([left, content]) => ({ generation: left, ...content }))),
        add: (left, update, writer) => write(() => {
          const { updates, writers } = disk.kept.get(left) ?? { updates: [], writers: [] }
          disk.kept.set(left, { updates: [...updates, update], writers: [...writers, writer] })
        }),
        remove: left => world.read(this, () => void disk.kept.delete(left))
      },
      watch: () => () => {},
      close: () => writing
    }
  }
}
