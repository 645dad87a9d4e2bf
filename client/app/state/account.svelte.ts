/** What a person does with their account here: in by one of several ways, out again, and what stays on the device then. */
import { OwedClears } from './owed-clears.ts'
import type { Account, Auth, AuthOptions, Sdk } from './sdk.ts'
import type { Session } from './session.svelte.ts'

type AccountSdk = Pick<Sdk, 'auth' | 'onAuthChanged' | 'hasPasskeys' | 'clear' | 'unsent'>

export class AccountState {
  readonly #sdk: AccountSdk
  readonly #session: Session
  readonly #owed: OwedClears
  /** How one gets in here; null until the server has told. */
  options: AuthOptions | null = $state.raw(null)
  /** The account that is signed in; null until it is looked at. */
  account: Account | null = $state.raw(null)

  constructor(sdk: AccountSdk, session: Session, storage: Storage) {
    this.#sdk = sdk
    this.#session = session
    this.#owed = new OwedClears(storage)
  }

  /** Begins to follow who is signed in, in whichever tab. @returns how to stop */
  start(): () => void {
    return this.#sdk.onAuthChanged(() => void this.#session.refresh())
  }

  get hasPasskeys(): boolean {
    return this.#sdk.hasPasskeys
  }

  async loadOptions(): Promise<void> {
    this.options ??= await (await this.#sdk.auth()).options()
  }

  async loadAccount(): Promise<void> {
    this.account = await (await this.#sdk.auth()).account()
  }

  auth(): Promise<Auth> {
    return this.#sdk.auth()
  }

  /** Signs in, and shows it. */
  async enter(how: (auth: Auth) => Promise<void>): Promise<void> {
    await how(await this.#sdk.auth())
    await this.#session.refresh()
    const me = this.#session.me
    // Who comes back to what a page that died was to remove keeps it.
    if (me) this.#owed.forget(me.principal.id)
  }

  /** Leads the browser to the provider. */
  async goTo(provider: string, how: { code?: string, link?: boolean }): Promise<void> {
    location.assign(await (await this.#sdk.auth()).providerPage(provider, how))
  }

  /** @param clear all of the person's things go from this device; else they stay, for when they sign in again */
  async signOut(clear: boolean): Promise<void> {
    const userId = this.#session.me?.principal.id
    if (userId === undefined) return
    const auth = await this.#sdk.auth()
    this.#owed.note(userId, clear ? 'asked' : 'kept')
    try {
      await auth.signOut()
    } catch (error) {
      this.#owed.forget(userId)
      throw error
    }
    if (clear) this.#owed.note(userId, 'done')
    this.account = null
    await this.#session.refresh()
    this.#session.ended = null
    await this.payClears()
  }

  /** All of theirs is to go from this device. */
  isCleared = (userId: string): boolean => this.#owed.has(userId)
  /** They left this device by their own wish, and said what is to become of what is theirs here. */
  hasDecided = (userId: string): boolean => this.#owed.decided(userId)

  /** Removes what was to be removed from this device, by this page or one that died. */
  async payClears(): Promise<void> {
    const me = this.#session.me
    if (!me) return
    for (const userId of this.#owed.owed(me.principal.id)) {
      await this.#sdk.clear(userId)
      this.#owed.forget(userId)
    }
  }

  unsent(): ReturnType<Sdk['unsent']> {
    return this.#sdk.unsent(this.#session.me?.principal.id ?? '')
  }
}
