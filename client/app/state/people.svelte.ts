/** Who belongs to a conversation, and the links that let people in, as the dialog shows them. */
import { copyText } from './clipboard.ts'
import { inWords } from './in-words.ts'
import type { Link, Member, MembershipApi } from './sdk.ts'

/** What a new link gives. `reader`: reads without becoming a member. */
export type LinkRole = 'editor' | 'viewer' | 'reader'

export interface ShownLink extends Link {
  kind: 'join' | 'read'
}

export class PeopleOf {
  readonly #api: MembershipApi
  readonly #id: string
  readonly #origin: string
  members: readonly Member[] = $state.raw([])
  /** For owners; empty to others. */
  links: readonly ShownLink[] = $state.raw([])
  loaded: boolean = $state(false)
  busy: boolean = $state(false)
  /** Why the last thing was not done, in words for people. */
  problem: string | null = $state(null)
  /** Of the link that was just made: its secret is told once. */
  made: { address: string, copied: boolean } | null = $state.raw(null)

  constructor(api: MembershipApi, id: string, origin: string) {
    this.#api = api
    this.#id = id
    this.#origin = origin
  }

  get isOwner(): boolean {
    return this.members.some(({ self, role }) => self && role === 'owner')
  }

  /** Somebody looks, from now on: what was shown once is not shown again. */
  begin(): void {
    this.forgetMade()
    void this.load()
  }

  /** As the server has it now. */
  load(): Promise<boolean> {
    return this.#try(async () => {
      await this.#take(await this.#api.members(this.#id))
    })
  }

  changeRole(userId: string, role: Member['role']): Promise<boolean> {
    return this.#try(async () => this.#take(await this.#api.changeRole(this.#id, userId, role)))
  }

  remove(userId: string): Promise<boolean> {
    return this.#try(async () => this.#take(await this.#api.removeMember(this.#id, userId)))
  }

  handOver(userId: string): Promise<boolean> {
    return this.#try(async () => this.#take(await this.#api.handOver(this.#id, userId)))
  }

  /** @returns whether it was done */
  leave(): Promise<boolean> {
    return this.#try(() => this.#api.leave(this.#id))
  }

  /** For everybody and for good. @returns whether it was done */
  delete(): Promise<boolean> {
    return this.#try(() => this.#api.deleteConversation(this.#id))
  }

  makeLink(role: LinkRole, hours: number | null, maxUses: number | null): Promise<boolean> {
    return this.#try(async () => {
      this.made = null
      const { path } = role === 'reader' ? await this.#api.share(this.#id, { hours }) : await this.#api.invite(this.#id, { role, hours, maxUses })
      const address = this.#origin + path
      this.made = { address, copied: await copyText(address) === 'copied' }
      await this.#readLinks()
    })
  }

  revoke({ id, kind }: ShownLink): Promise<boolean> {
    return this.#try(async () => {
      await (kind === 'join' ? this.#api.revokeInvitation(this.#id, id) : this.#api.revokeShareLink(this.#id, id))
      this.made = null
      await this.#readLinks()
    })
  }

  /** Its address is not shown any more. */
  forgetMade(): void {
    this.made = null
  }

  async #take(members: readonly Member[]): Promise<void> {
    this.members = members
    this.loaded = true
    if (this.isOwner) await this.#readLinks()
    else this.links = []
  }

  async #readLinks(): Promise<void> {
    const [join, read] = await Promise.all([this.#api.invitations(this.#id), this.#api.shareLinks(this.#id)])
    const shown = [...join.map(link => ({ ...link, kind: 'join' as const })), ...read.map(link => ({ ...link, kind: 'read' as const }))]
    this.links = shown.sort((a, b) => b.at - a.at)
  }

  /** @returns whether it was done; `problem` may by then be that of something else */
  async #try(work: () => Promise<unknown>): Promise<boolean> {
    this.busy = true
    this.problem = null
    try {
      await work()
      return true
    } catch (error) {
      this.problem = inWords(error)
      return false
    } finally {
      this.busy = false
    }
  }
}
