/** A real mail server on loopback, whose mail boxes the test looks into. */
import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'
import { until } from './until.ts'

export interface MailServer {
  /** For `SKEIN_SMTP_URL`. */
  readonly url: string
  /** As they came, the first one first. */
  to(address: string): string[]
  /** The nth mail to this address, from 0; as soon as it is there. */
  nth(address: string, n: number): Promise<string>
  close(): Promise<void>
}

/** What stands behind the `#` of the first link in a mail. */
export const secretIn = (mail: string): string => /#(\S+)/.exec(mail)![1]!

export const startMailServer = async (): Promise<MailServer> => {
  const mails: string[] = []
  const smtp = new SMTPServer({
    authOptional: true, disabledCommands: ['STARTTLS'],
    onData: (stream, _session, done) => {
      let text = ''
      stream.on('data', chunk => { text += String(chunk) })
      stream.on('end', () => {
        // Quoted-printable: soft breaks and `=` itself.
        mails.push(text.replaceAll('=\r\n', '').replaceAll('=3D', '='))
        done()
      })
    },
  })
  await new Promise<void>(resolve => smtp.listen(0, '127.0.0.1', resolve))
  const to = (address: string): string[] => mails.filter(mail => mail.includes(`To: ${address}\r\n`))
  return {
    url: `smtp://127.0.0.1:${(smtp.server.address() as AddressInfo).port}`,
    to,
    nth: (address, n) => until(`mail ${n + 1} to ${address}`, () => to(address)[n]),
    close: () => new Promise(resolve => smtp.close(() => resolve())),
  }
}
