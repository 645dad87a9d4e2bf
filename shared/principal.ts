/** Who acts: what an identity adapter makes of a request. */
import type { UserId } from './ids.ts'

export interface Principal {
  kind: 'user' | 'guest' | 'agent' | 'service'
  id: UserId
  /** Display name; the only name that presence and messages show for this principal. */
  name: string
}
