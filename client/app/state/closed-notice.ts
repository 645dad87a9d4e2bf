/**
 * What is said of a conversation whose connection the server ended for good: a heading where there is nothing else to show, and what the
 * person can do. The server's own sentence, from the error table, says what happened and what it means for what they wrote.
 */
import { errorTable } from '../../../shared/errors.ts'

export interface ClosedNotice {
  title: string
  text: string
  /** `sign-in`: the device proves nobody any more; `reload`: a fresh page may get further; null: nothing helps here. */
  action: 'sign-in' | 'reload' | null
}

const UNSAID = 'The server ended the connection and did not say why. What you had not sent is kept on this device; reload the page to try again.'

const titles: Readonly<Record<number, { title: string, action: ClosedNotice['action'] }>> = {
  [errorTable['signed-out'].close]: { title: 'You are not signed in here any more', action: 'sign-in' },
  [errorTable['no-longer-member'].close]: { title: 'This conversation is not here for you', action: null },
  [errorTable.gone.close]: { title: 'This conversation is gone', action: null }
}

export const closedNotice = ({ code, reason }: { code: number, reason: string }): ClosedNotice => ({
  text: reason || UNSAID,
  ...titles[code] ?? { title: 'This conversation cannot be opened now', action: 'reload' }
})
