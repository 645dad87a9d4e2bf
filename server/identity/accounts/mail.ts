/** The mails about accounts. */

/** Sends one mail; rejects when the mail server does not take it. */
export type SendMail = (mail: { to: string, subject: string, text: string }) => Promise<void>

export interface Mailer {
  resetLink(to: string, token: string): Promise<void>
  confirmation(to: string, token: string): Promise<void>
  /** Somebody signed up with this address, which has an account. */
  alreadyHasAccount(to: string): Promise<void>
}

/** Secrets stand behind the `#` of links: browsers do not send that part to any server, so it stands in nobody's log. */
export const resetPath = (token: string): string => `/reset#${token}`
const confirmPath = (token: string): string => `/confirm#${token}`
export const invitePath = (code: string): string => `/sign-up#${code}`

/** @param origin `https://host`, where the links lead; never taken from a request, whose sender could make it theirs */
export const createMailer = (send: SendMail, origin: string): Mailer => ({
  resetLink: (to, token) => send({
    to,
    subject: 'A new password for Skein',
    text: `Somebody, hopefully you, asked for a new password for the account of this address at ${origin}.\n\nWithin an hour, choose it here:\n${origin}${resetPath(token)}\n\nIf it was not you, nothing has changed and there is nothing to do.\n`,
  }),
  confirmation: (to, token) => send({
    to,
    subject: 'Confirm your address for Skein',
    text: `Somebody, hopefully you, made an account with this address at ${origin}.\n\nWithin a day, confirm that it is yours, with the password that you chose:\n${origin}${confirmPath(token)}\n\nIf it was not you, there is nothing to do: nobody can use the account. Should you want one yourself, choose a new password at ${origin}/forgot.\n`,
  }),
  alreadyHasAccount: to => send({
    to,
    subject: 'You have an account at Skein',
    text: `Somebody, hopefully you, tried to make an account with this address at ${origin}. You have one already: sign in, or choose a new password if you forgot it:\n${origin}/sign-in\n\nIf it was not you, nothing has changed and there is nothing to do.\n`,
  }),
})
