/** Who may write under which Yjs client id in one document. */
import type { UserId } from '../../shared/ids.ts'
import { isOwn } from '../../shared/principal.ts'
import type { Principal } from '../../shared/principal.ts'
import type { ClientOwner } from '../gate/verdict.ts'
import type { Binding, Lineage } from '../log/port.ts'
import { isServerId, isServerMade } from './lineage.ts'

type Asking = Pick<Principal, 'id' | 'aliases'>

export class ClientOwners {
  readonly #lineage: Lineage | null
  readonly #owners: Map<number, UserId>
  /** Ids that announced presence before any update: theirs while they are connected. */
  #claims: Map<number, { principal: UserId, by: Set<object> }> | null = null
  /** Ids of earlier epochs. */
  readonly #former: ReadonlySet<number>
  readonly #retired: ReadonlySet<number>

  /**
   * @param lineage null of a document that was never written
   * @param isInDocument whether the document as loaded holds structs of an id; an owned one without any wrote in an earlier epoch
   */
  constructor(lineage: Lineage | null, bindings: readonly Binding[], isInDocument: (clientId: number) => boolean) {
    this.#lineage = lineage
    this.#owners = new Map(bindings.map(({ clientId, owner }) => [clientId, owner]))
    this.#retired = setOf(lineage?.retired ?? [])
    this.#former = setOf([...this.#retired, ...[...this.#owners.keys()].filter(id => !isInDocument(id))])
  }

  /** What was announced while the document was served by another one of these stays announced. */
  takeOver(before: ClientOwners): void {
    this.#claims = before.#claims
  }

  /** Whoever names such an id holds the document as it was in another epoch: an earlier one, or one that a restored backup took back. */
  isOfOtherEpoch(clientId: number): boolean {
    return this.#former.has(clientId) || (isServerMade(clientId) && !this.#isServers(clientId))
  }

  /**
   * What is an alias's is the asking principal's own.
   * @param asking whose own announcement does not count: only what they write makes an id theirs for good
   */
  of(clientId: number, asking: Asking): ClientOwner | undefined {
    if (isServerMade(clientId) || this.#isServers(clientId) || this.#retired.has(clientId)) return { kind: 'server' }
    const claimed = this.#claims?.get(clientId)?.principal
    const id = this.#owners.get(clientId) ?? (isOwn(asking, claimed) ? undefined : claimed)
    return id === undefined ? undefined : { kind: 'principal', id: isOwn(asking, id) ? asking.id : id }
  }

  /**
   * Whether the principal may show presence under the id; the first to announce one that nobody owns has it until it is released. Bounded
   * by what connections may announce.
   * @param by the connection: one that ends late, after its person came back on another, takes nothing from that one
   */
  claim(clientId: number, principal: Asking, by: object): boolean {
    const owner = this.of(clientId, principal)
    if (owner !== undefined) return owner.kind === 'principal' && owner.id === principal.id
    const claim = this.#claims?.get(clientId) ?? { principal: principal.id, by: new Set() }
    claim.by.add(by)
    this.#claims ??= new Map()
    this.#claims.set(clientId, claim)
    return true
  }

  /** The connection that announced these ids has ended: who wrote under one owns it, the others are free again. */
  release(clientIds: Iterable<number>, by: object): void {
    for (const id of clientIds) {
      const claim = this.#claims?.get(id)
      if (claim?.by.delete(by) && claim.by.size === 0) this.#claims?.delete(id)
    }
  }

  /** The bindings that a record with new structs of these ids has to store. */
  bind(clientIds: readonly number[], owner: UserId): Binding[] {
    const fresh = clientIds.filter(id => !this.#owners.has(id))
    for (const id of fresh) {
      this.#owners.set(id, owner)
      this.#claims?.delete(id)
    }
    return fresh.map(clientId => ({ clientId, owner }))
  }

  #isServers(clientId: number): boolean {
    return this.#lineage !== null && isServerId(this.#lineage, clientId)
  }
}

const none: ReadonlySet<number> = new Set()

/** Most documents have none of these, and there are as many documents open as people. */
const setOf = (ids: readonly number[]): ReadonlySet<number> => ids.length === 0 ? none : new Set(ids)
