/**
 * The tabs of one device on virtual time: one lock and one channel for each name, and tabs that are killed, get stuck or are frozen.
 * While a tab stands still all that reaches it waits, in order.
 */
import type { TabMessage } from '../../client/sync/tabs/message.ts'
import type { Lifecycle, LockHandlers, TabSurroundings } from '../../client/sync/tabs/port.ts'
import type { Chance } from './chance.ts'
import type { Clock } from './clock.ts'

interface LockRequest {
  tab: Tab
  handlers: LockHandlers
}

interface Lock {
  holder: LockRequest | null
  queue: LockRequest[]
}

/** A message takes at most so long from tab to tab (milliseconds). */
const POST_WITHIN = 20

export class Tabs {
  readonly clock: Clock
  readonly chance: Chance
  readonly #tabs = new Set<Tab>()
  readonly #locks = new Map<string, Lock>()

  constructor(clock: Clock, chance: Chance) {
    this.clock = clock
    this.chance = chance
  }

  open(): Tab {
    const tab = new Tab(this)
    this.#tabs.add(tab)
    return tab
  }

  forget(tab: Tab): void {
    this.#tabs.delete(tab)
    for (const lock of this.#locks.values()) {
      lock.queue = lock.queue.filter(request => request.tab !== tab)
      if (lock.holder?.tab === tab) this.#next(lock)
    }
  }

  post(from: Tab, channel: string, message: TabMessage): void {
    for (const tab of this.#tabs) if (tab !== from) tab.deliver(channel, structuredClone(message))
  }

  request(name: string, how: 'probe' | 'queue' | 'steal', request: LockRequest): () => void {
    const lock = this.#locks.get(name) ?? { holder: null, queue: [] }
    this.#locks.set(name, lock)
    if (how === 'steal' && lock.holder) {
      const { tab, handlers } = lock.holder
      lock.holder = null
      this.#tell(tab, handlers.robbed)
    }
    if (!lock.holder) this.#grant(lock, request)
    else if (how === 'probe') this.#tell(request.tab, request.handlers.taken)
    else lock.queue.push(request)
    return () => {
      lock.queue = lock.queue.filter(waiting => waiting !== request)
      if (lock.holder === request) this.#next(lock)
    }
  }

  #next(lock: Lock): void {
    lock.holder = null
    const next = lock.queue.shift()
    if (next) this.#grant(lock, next)
  }

  #grant(lock: Lock, request: LockRequest): void {
    lock.holder = request
    this.#tell(request.tab, request.handlers.granted)
  }

  #tell(tab: Tab, what: () => void): void {
    this.clock.after(this.chance.between(0, POST_WITHIN), () => tab.run(what))
  }
}

export class Tab {
  readonly #tabs: Tabs
  #state: 'runs' | 'stuck' | 'frozen' | 'gone' = 'runs'
  #inbox: (() => void)[] = []
  readonly #channels = new Map<string, { receive: (message: TabMessage) => void, last: number }>()
  readonly #lifecycles = new Set<Lifecycle>()

  constructor(tabs: Tabs) {
    this.#tabs = tabs
  }

  get runs(): boolean {
    return this.#state === 'runs'
  }

  get isGone(): boolean {
    return this.#state === 'gone'
  }

  /** At once, or when the tab goes on. */
  readonly run = (act: () => void): void => {
    if (this.runs) act()
    else if (!this.isGone) this.#inbox.push(act)
  }

  /** @param how `stuck`: busy with something; `frozen`: the browser stops it, and it is told */
  stop(how: 'stuck' | 'frozen'): void {
    if (!this.runs) return
    if (how === 'frozen') for (const { freeze } of this.#lifecycles) freeze()
    this.#state = how
  }

  goOn(): void {
    if (this.runs || this.isGone) return
    const wasFrozen = this.#state === 'frozen'
    this.#state = 'runs'
    if (wasFrozen) for (const { resume } of this.#lifecycles) resume()
    for (const act of this.#inbox.splice(0)) act()
  }

  /** Its process is gone, and its locks with it. */
  kill(): void {
    this.#state = 'gone'
    this.#inbox = []
    this.#tabs.forget(this)
  }

  deliver(name: string, message: TabMessage): void {
    const channel = this.#channels.get(name)
    if (!channel) return
    const { clock, chance } = this.#tabs
    channel.last = Math.max(channel.last, clock.now() + chance.between(0, POST_WITHIN))
    clock.after(channel.last - clock.now(), () => this.run(() => { if (this.#channels.get(name) === channel) channel.receive(message) }))
  }

  surroundings(now: () => number): TabSurroundings {
    const { clock, chance } = this.#tabs
    return {
      now,
      random: chance.fill,
      after: (ms, run) => clock.after(ms, () => this.run(run)),
      lock: name => ({ request: (how, handlers) => this.#tabs.request(name, how, { tab: this, handlers }) }),
      channel: (name, receive) => {
        this.#channels.set(name, { receive, last: 0 })
        return {
          post: message => { if (!this.isGone) this.#tabs.post(this, name, message) },
          close: () => void this.#channels.delete(name)
        }
      },
      lifecycle: handlers => {
        this.#lifecycles.add(handlers)
        return () => void this.#lifecycles.delete(handlers)
      }
    }
  }
}
