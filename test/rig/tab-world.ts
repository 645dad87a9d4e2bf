/**
 * The tabs of one person on one device, without a browser: one lock, one channel, one disk, and tabs that crash, get stuck and are
 * frozen. Everything that reaches a tab lies in its inbox until the world lets it run, in an order that the seed decides.
 */
import { FakeTab } from './fake-tab.ts'
import { settle } from './manual-time.ts'
import type { ManualTime } from './manual-time.ts'
import type { TabMessage } from '../../client/sync/tabs/message.ts'
import type { LockHandlers } from '../../client/sync/tabs/port.ts'
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
