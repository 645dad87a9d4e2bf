/**
 * What a tab is to a document that several tabs of one person have open: a pure machine.
 *
 * One tab owns: it holds the lock, the connection and the writing of the store; the others follow it. The lock decides, and nothing
 * else makes an owner. Who follows waits in the lock's queue and pings; when several pings in a row stay unanswered the owner is stuck
 * (or frozen, with the lock), and the lock is stolen. Pings are counted, not seconds: a computer that slept, or a page whose timers
 * the browser slows down, misses one and not all of them. An owner that hears of a later reign was robbed, also before its lock tells.
 */
import { compareReigns, isSameReign } from './reign.ts'
import type { Reign } from './reign.ts'

/** A follower asks the owner for a sign of life this often (milliseconds). */
export const PING_EVERY = 2_000
/** So many unanswered pings in a row, and the owner is stuck: with {@link PING_EVERY} after six to eight seconds. */
export const STUCK_AFTER = 3
/** So often a tab that closes waits for its last words to be confirmed, as long as there is an owner that answers. */
export const LEAVE_AFTER = 30

export type RoleState =
  /** The lock was asked for, to be had at once or not. */
  | { role: 'starting' }
  /** Waits in the lock's queue. `heard`: the latest owner; `missed`: pings since its last sign of life. */
  | { role: 'follower', heard: Reign | null, missed: number }
  | { role: 'owner', reign: Reign }
  /** A follower that closes, once the owner confirmed what it handed in. */
  | { role: 'leaving', heard: Reign | null, missed: number, waited: number }
  /** Has the lock and closes: what is not written yet is being written. */
  | { role: 'handing-over' }
  /** `leaving`: it was closed, and has something to say when it goes on. */
  | { role: 'frozen', leaving: boolean }
  | { role: 'closed' }

export type RoleEvent =
  /** The lock is ours, from now on under this reign. */
  | { type: 'granted', reign: Reign }
  /** Another tab has the lock. */
  | { type: 'taken' }
  /** The lock was ours and was taken from us, or the store says that another tab has come to own it. */
  | { type: 'robbed' }
  /** A sign of life of an owner. */
  | { type: 'heard', reign: Reign }
  /** {@link PING_EVERY} passed. */
  | { type: 'tick' }
  /** The browser is about to stop this page, or has let it go on. */
  | { type: 'freeze' }
  | { type: 'resume' }
  | { type: 'close', unconfirmed: boolean }
  /** All that this tab handed in is confirmed. */
  | { type: 'confirmed' }
  /** All is written, or was tried. */
  | { type: 'written' }

export type RoleEffect =
  /** Ask for the lock, to be had at once or not. */
  | 'probe'
  /** Wait for the lock. */
  | 'queue'
  /** Take the lock from whoever has it. */
  | 'steal'
  /** Give the lock back, and no longer wait for it. */
  | 'withdraw'
  /** Read the store, write what it lacks, connect. */
  | 'own'
  /** Show what the store holds, if nothing was read yet; whoever owns is asked for the rest. */
  | 'follow'
  /** Ask the owner that was heard for its state and hand in what is not confirmed. */
  | 'attach'
  /** No longer connect or write. */
  | 'let-go'
  /** Write what is not written, as the last thing. */
  | 'write-out'
  | 'ping'

export type RoleStep = readonly [RoleState, readonly RoleEffect[]]

export const startRole: RoleStep = [{ role: 'starting' }, ['probe']]

export const changeRole = (state: RoleState, event: RoleEvent): RoleStep => {
  switch (state.role) {
    case 'starting':
      return fromStarting(state, event)
    case 'follower':
      return fromFollower(state, event)
    case 'owner':
      return fromOwner(state, event)
    case 'leaving':
      return fromLeaving(state, event)
    case 'handing-over':
      return fromHandingOver(state, event)
    case 'frozen':
      return fromFrozen(state, event)
    case 'closed':
      return withoutLock(state, event)
  }
}

const closed: RoleStep = [{ role: 'closed' }, ['withdraw']]
const newFollower: RoleState = { role: 'follower', heard: null, missed: 0 }
const newLeaver: RoleState = { role: 'leaving', heard: null, missed: 0, waited: 0 }
const frozen = (leaving: boolean): RoleState => ({ role: 'frozen', leaving })

/** A lock that comes after it was no longer wanted goes back. */
const withoutLock = (state: RoleState, event: RoleEvent): RoleStep => [state, event.type === 'granted' ? ['withdraw'] : []]

const fromStarting = (state: RoleState, event: RoleEvent): RoleStep => {
  switch (event.type) {
    case 'granted':
      return [{ role: 'owner', reign: event.reign }, ['own']]
    case 'taken':
      return [newFollower, ['queue', 'follow', 'ping']]
    case 'freeze':
      return [frozen(false), ['withdraw']]
    case 'close':
      // What it has to say is not lost with it: it goes the way of a follower.
      return event.unconfirmed ? [newLeaver, ['queue', 'ping']] : closed
    default:
      return [state, []]
  }
}

const fromFollower = (state: Extract<RoleState, { role: 'follower' }>, event: RoleEvent): RoleStep => {
  switch (event.type) {
    case 'granted':
      return [{ role: 'owner', reign: event.reign }, ['own']]
    case 'heard': {
      if (state.heard && compareReigns(event.reign, state.heard) < 0) return [state, []]
      const next: RoleState = { ...state, heard: event.reign, missed: 0 }
      return [next, isSameReign(state.heard, event.reign) ? [] : ['attach']]
    }
    case 'tick':
      return wait(state)
    case 'freeze':
      return [frozen(false), ['withdraw']]
    case 'close':
      return event.unconfirmed ? [{ ...state, role: 'leaving', waited: 0 }, ['ping']] : closed
    default:
      return [state, []]
  }
}

const fromOwner = (state: Extract<RoleState, { role: 'owner' }>, event: RoleEvent): RoleStep => {
  switch (event.type) {
    case 'robbed':
      return [newFollower, ['let-go', 'queue', 'follow', 'ping']]
    case 'heard':
      if (compareReigns(event.reign, state.reign) <= 0) return [state, []]
      return [{ ...newFollower, heard: event.reign }, ['let-go', 'withdraw', 'queue', 'follow', 'attach']]
    case 'freeze':
      return [frozen(false), ['let-go', 'withdraw']]
    case 'close':
      return [{ role: 'handing-over' }, ['write-out']]
    default:
      return [state, []]
  }
}

const fromLeaving = (state: Extract<RoleState, { role: 'leaving' }>, event: RoleEvent): RoleStep => {
  switch (event.type) {
    case 'granted':
      return [{ role: 'handing-over' }, ['write-out']]
    case 'confirmed':
      return closed
    case 'freeze':
      return [frozen(true), ['withdraw']]
    case 'taken':
      return [state, []]
    case 'heard':
      if (state.heard && compareReigns(event.reign, state.heard) < 0) return [state, []]
      return [{ ...state, heard: event.reign, missed: 0 }, isSameReign(state.heard, event.reign) ? [] : ['attach']]
    case 'tick': {
      const [next, effects] = wait(state)
      if (state.missed === 0 && state.waited + 1 >= LEAVE_AFTER) return closed
      return [{ ...next, waited: state.waited + 1 } as RoleState, effects]
    }
    default:
      return [state, []]
  }
}

const fromHandingOver = (state: RoleState, event: RoleEvent): RoleStep => {
  switch (event.type) {
    case 'written':
      return closed
    case 'robbed':
      return [newLeaver, ['let-go', 'queue', 'ping']]
    case 'freeze':
      return [frozen(true), ['let-go', 'withdraw']]
    default:
      return [state, []]
  }
}

const fromFrozen = (state: Extract<RoleState, { role: 'frozen' }>, event: RoleEvent): RoleStep => {
  switch (event.type) {
    case 'resume':
      return state.leaving ? [newLeaver, ['queue', 'ping']] : startRole
    case 'close':
      return event.unconfirmed ? [frozen(true), []] : closed
    case 'confirmed':
      return state.leaving ? closed : [state, []]
    default:
      return withoutLock(state, event)
  }
}

const wait = <State extends { missed: number }>(state: State): [State, RoleEffect[]] => {
  const missed = state.missed + 1
  return missed > STUCK_AFTER ? [{ ...state, missed: 0 }, ['steal', 'ping']] : [{ ...state, missed }, ['ping']]
}
