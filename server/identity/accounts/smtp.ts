/** Mail by SMTP. */
import { createTransport } from 'nodemailer'
import type { SmtpConfig } from '../accounts-port.ts'
import type { SendMail } from './mail.ts'

/** A mail server that does not answer holds nothing up: mails are sent behind the answers (milliseconds). */
const PATIENCE = 20_000

export const createSmtp = ({ url, from }: SmtpConfig): SendMail => {
  const transport = createTransport({ url, connectionTimeout: PATIENCE, greetingTimeout: PATIENCE, socketTimeout: PATIENCE })
  return async ({ to, subject, text }) => {
    // As an object: no character of the address becomes part of the header.
    await transport.sendMail({ from, to: { name: '', address: to }, subject, text, disableFileAccess: true, disableUrlAccess: true })
  }
}
