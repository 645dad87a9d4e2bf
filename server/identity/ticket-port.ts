/** Tickets: what opens a socket where a browser can send neither header nor cookie. */
import type { DocumentName } from '../../shared/ids.ts'
import type { Principal } from '../../shared/principal.ts'

export interface Tickets {
  /**
   * @param document the one that it opens; null: whatever the principal may open
   * @returns null: the principal's own credential does not reach the document
   */
  issue(principal: Principal, document: DocumentName | null): { ticket: string, expiresAt: number } | null
}
