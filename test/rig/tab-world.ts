/**
 * The tabs of one person on one device, without a browser: one lock, one channel, one disk, and tabs that crash, get stuck and are
 * frozen. Everything that reaches a tab lies in its inbox until the world lets it run, in an order that the seed decides.
 */
import { settle } from './manual-time.ts'
import { seededRandom } from './seed.ts'
import type { ManualTime } from './manual-time.ts'
import type { DocumentStore } from '../../client/sync/port.ts'
import type { TabMessage } from '../../client/sync/tabs/message.ts'
import type { Lifecycle, LockHandlers, TabSurroundings } from '../../client/sync/tabs/port.ts'
import type { OutboxEntry } from '../../client/sync/view.ts'

interface LockRequest {
  tab: FakeTab
  handlers: LockHandlers
}

/** What the device holds, whoever wrote it. */
export interface Disk {
  generation: number
  epoch: string | null
  updates: Uint8Array[]
  readonly outbox: Map<string, OutboxEntry>
  writers: number[]
  unsaved?: boolean
  /** Generations that were left with unconfirmed edits. */
  readonly kept: Map<string, { updates: Uint8Array[], writers: number[] }>
  /** Requests that were let go of. */
  readonly gone: Set<string>
  /** The latest number that an owner drew. */
  fence: number
}

interface Transaction {
  tab: FakeTab
  run: () => void
  done: () => void
}

export class TabWorld {
  readonly disk: Disk = {
    generation: 1, epoch: null, updates: [], outbox: new Map(), writers: [], kept: new Map(), gone: new Set(), fence: 0
  }
  readonly tabs = new Set<FakeTab>()
  /** Who wrote though the lock was no longer theirs and they had been told. */
  readonly trespasses: string[] = []
  readonly time: ManualTime
  readonly random: () => number
  #holder: LockRequest | null = null
  #queue: LockRequest[] = []
  /** On their way to the disk, which takes one after the other. */
  #transactions: Transaction[] = []
  /** Decided on by a tab that got stuck or was frozen before they had begun: they begin when it goes on. */
  readonly #late = new Map<FakeTab, Transaction[]>()

  constructor(time: ManualTime, random: () => number) {
    this.time = time
    this.random = random
  }

  get owner(): FakeTab | null {
    return this.#holder?.tab ?? null
  }

  open(name: string): FakeTab {
    const tab = new FakeTab(name, this)
    this.tabs.add(tab)
    return tab
  }

  /** The process of the tab is gone, and the lock with it; the disk may or may not have got its last writes. */
  crash(tab: FakeTab): void {
    tab.state = 'gone'
    this.tabs.delete(tab)
    this.#late.delete(tab)
    const last = this.#transactions.filter(transaction => transaction.tab === tab)
    const lost = new Set(last.slice(Math.floor(this.random() * (last.length + 1))))
    this.#transactions = this.#transactions.filter(transaction => !lost.has(transaction))
    this.#queue = this.#queue.filter(request => request.tab !== tab)
    if (this.#holder?.tab === tab) this.#next()
  }

  /** The tab stops; the last of what it wrote, if anything, has not begun yet. @param begun how many of its transactions have */
  stop(tab: FakeTab, state: 'stuck' | 'frozen', begun?: number): void {
    if (state === 'frozen') tab.freeze()
    else tab.state = 'stuck'
    const own = this.#transactions.filter(transaction => transaction.tab === tab)
    const late = new Set(own.slice(begun ?? Math.floor(this.random() * (own.length + 1))))
    this.#transactions = this.#transactions.filter(transaction => !late.has(transaction))
    this.#late.set(tab, [...late])
  }

  /** What had not begun when it stopped begins now. */
  goOn(tab: FakeTab): void {
    this.#transactions.push(...this.#late.get(tab) ?? [])
    this.#late.delete(tab)
    tab.goOn()
  }

  /** Lets one thing happen, if anything waits to. @returns whether anything did */
  async step(): Promise<boolean> {
    const ready = [...this.tabs].filter(tab => tab.canRun)
    const choices = ready.length + (this.#transactions.length > 0 ? 1 : 0)
    const pick = Math.floor(this.random() * choices)
    if (pick < ready.length) ready[pick]!.runOne()
    else this.#transact()
    await settle()
    return choices > 0
  }

  /** Until nothing waits for anything but time. */
  async quiet(): Promise<void> {
    while (await this.step());
  }

  // --- What tabs do ----------------------------------------------------------------------------------------------------------------

  request(how: 'probe' | 'queue' | 'steal', request: LockRequest): () => void {
    if (how === 'steal' && this.#holder) {
      const robbed = this.#holder
      this.#holder = null
      robbed.tab.deliver(robbed.handlers.robbed)
    }
    if (!this.#holder) this.#grant(request)
    else if (how === 'probe') request.tab.deliver(request.handlers.taken)
    else this.#queue.push(request)
    return () => {
      this.#queue = this.#queue.filter(waiting => waiting !== request)
      if (this.#holder === request) this.#next()
    }
  }

  post(from: FakeTab, message: TabMessage): void {
    for (const tab of this.tabs) if (tab !== from) tab.deliver(() => tab.receive(structuredClone(message)))
  }

  write(tab: FakeTab, run: () => void): Promise<void> {
    if (this.#holder?.tab !== tab && !tab.isBehind) this.trespasses.push(tab.name)
    return new Promise(done => this.#transactions.push({ tab, run, done }))
  }

  /** It has asked the disk for something and not got it yet. */
  isReading(tab: FakeTab): boolean {
    return this.#transactions.some(transaction => transaction.tab === tab)
  }

  read<T>(tab: FakeTab, run: () => T): Promise<T> {
    return new Promise(done => {
      let found: T
      this.#transactions.push({
        tab,
        run: () => {
          found = run()
        },
        done: () => done(found)
      })
    })
  }

  #transact(): void {
    const next = this.#transactions.shift()
    if (!next) return
    next.run()
    next.tab.deliver(next.done)
  }

  #grant(request: LockRequest): void {
    this.#holder = request
    request.tab.deliver(request.handlers.granted)
  }

  #next(): void {
    this.#holder = null
    const next = this.#queue.shift()
    if (next) this.#grant(next)
  }
}

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
