/** Who takes part, and in which role. */
import type { UserId } from '../../shared/ids.ts'
import type { Principal } from '../../shared/principal.ts'
import type { Role } from '../../shared/wire/frame.ts'

export interface Person {
  readonly principal: Principal
  /** At first. */
  readonly role: Role
}

const person = (id: string, name: string, role: Role): Person => ({ principal: { kind: 'user', id: id as UserId, name }, role })

export const ada = person('ada', 'Ada', 'owner')
export const bob = person('bob', 'Bob', 'editor')
export const cleo = person('cleo', 'Cleo', 'editor')
export const vera = person('vera', 'Vera', 'viewer')
export const mallory = person('mallory', 'Mallory', 'editor')

export const everybody = [ada, bob, cleo, vera, mallory]
