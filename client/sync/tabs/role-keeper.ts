/** Carries a tab through its roles: feeds the role machine with what lock, clock and browser say, and does what it decides. */
import type { LockHandlers, TabLock, TabSurroundings } from './port.ts'
import { compareReigns, nextReign } from './reign.ts'
import type { Reign } from './reign.ts'
import { changeRole, PING_EVERY, startRole } from './role.ts'
import type { RoleEffect, RoleEvent, RoleState, RoleStep } from './role.ts'

/** What the tab does in its role; the lock is seen to here. */
export type RoleDuties = Record<'own' | 'follow' | 'attach' | 'letGo' | 'writeOut' | 'ping' | 'closed', () => void>

export class RoleKeeper {
  readonly #tab: string
  readonly #surroundings: TabSurroundings
  readonly #duties: RoleDuties
  readonly #lock: TabLock
  readonly #stopWatching: () => void
  readonly #waiting: RoleEvent[] = []
  #state: RoleState = startRole[0]
  #latest: Reign | null = null
  #busy = false
  #giveBack = (): void => {}
  #cancelTick: (() => void) | null = null

  constructor(tab: string, lockName: string, surroundings: TabSurroundings, duties: RoleDuties) {
    this.#tab = tab
    this.#surroundings = surroundings
    this.#duties = duties
    this.#lock = surroundings.lock(lockName)
    this.#stopWatching = surroundings.lifecycle({ freeze: () => this.tell({ type: 'freeze' }), resume: () => this.tell({ type: 'resume' }) })
  }

  get state(): RoleState {
    return this.#state
  }

  start(): void {
    this.#take(startRole)
  }

  tell(event: RoleEvent): void {
    this.#waiting.push(event)
    if (this.#busy) return
    this.#busy = true
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      if (next.type === 'heard' || next.type === 'granted') this.#latest = laterOf(this.#latest, next.reign)
      this.#take(changeRole(this.#state, next))
    }
    this.#busy = false
  }

  #take([state, effects]: RoleStep): void {
    const wasClosed = this.#state.role === 'closed'
    this.#state = state
    for (const effect of effects) this.#do(effect)
    this.#schedule()
    if (state.role === 'closed' && !wasClosed) {
      this.#stopWatching()
      this.#duties.closed()
    }
  }

  #do(effect: RoleEffect): void {
    switch (effect) {
      case 'probe':
      case 'queue':
      case 'steal':
        return this.#ask(effect)
      case 'withdraw':
        return this.#withdraw()
      case 'let-go':
        return this.#duties.letGo()
      case 'write-out':
        return this.#duties.writeOut()
      case 'own':
      case 'follow':
      case 'attach':
      case 'ping':
        return this.#duties[effect]()
    }
  }

  /** One request at a time: a lock that is stolen while another request for it is granted would be stolen from oneself. */
  #ask(how: 'probe' | 'queue' | 'steal'): void {
    this.#withdraw()
    let current = true
    const ifCurrent = (tell: () => void) => () => {
      if (current) tell()
    }
    const handlers: LockHandlers = {
      granted: ifCurrent(() => this.tell({ type: 'granted', reign: nextReign(this.#tab, this.#surroundings.now(), this.#latest) })),
      taken: ifCurrent(() => this.tell({ type: 'taken' })),
      robbed: ifCurrent(() => this.tell({ type: 'robbed' }))
    }
    const giveBack = this.#lock.request(how, handlers)
    this.#giveBack = () => {
      current = false
      giveBack()
    }
  }

  #withdraw(): void {
    const giveBack = this.#giveBack
    this.#giveBack = () => {}
    giveBack()
  }

  /** Not in step with the other tabs, so that not all of them steal the lock at once. */
  #schedule(): void {
    const waits = this.#state.role === 'follower' || this.#state.role === 'leaving'
    if (!waits) {
      this.#cancelTick?.()
      this.#cancelTick = null
    } else {
      this.#cancelTick ??= this.#surroundings.after(PING_EVERY * (1 + this.#quarter()), () => {
        this.#cancelTick = null
        this.tell({ type: 'tick' })
      })
    }
  }

  #quarter(): number {
    return this.#surroundings.random(new Uint8Array(1))[0]! / 1024
  }
}

const laterOf = (a: Reign | null, b: Reign): Reign => a === null || compareReigns(a, b) < 0 ? b : a
