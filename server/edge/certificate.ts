/** The server's own certificate: read from files, checked before it is used, and read again when it was renewed. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import type { Timers } from '../../shared/timers.ts'

export interface CertificateFiles {
  /** PEM: the certificate, and behind it those that lead to its issuer. */
  cert: string
  /** PEM, without a passphrase. */
  key: string
}

export interface Certificate {
  cert: string
  key: string
  /** Milliseconds since 1970. */
  expiresAt: number
  /** Whom it is for. */
  names: string
}

/** Why a certificate cannot be used, in one line for the operator; no line repeats a key. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError'
}

/**
 * @param now milliseconds since 1970
 * @throws CertificateError
 */
export const readCertificate = async (files: CertificateFiles, now: number): Promise<Certificate> => {
  const [cert, key] = await Promise.all([textOf(files.cert, 'SKEIN_TLS_CERT'), textOf(files.key, 'SKEIN_TLS_KEY')])
  const first = parsed(() => new X509Certificate(cert), `${files.cert} (SKEIN_TLS_CERT) does not hold a certificate in PEM.`)
  const privateKey = parsed(() => createPrivateKey(key), `${files.key} (SKEIN_TLS_KEY) does not hold a private key in PEM without a passphrase.`)
  if (!first.checkPrivateKey(privateKey)) {
    throw new CertificateError(`The key in ${files.key} is not that of the certificate in ${files.cert}; put both from the same renewal there.`)
  }
  const [from, expiresAt] = [Date.parse(first.validFrom), Date.parse(first.validTo)]
  if (expiresAt <= now) throw new CertificateError(`The certificate in ${files.cert} expired at ${dated(expiresAt)}; renew it.`)
  if (from > now) throw new CertificateError(`The certificate in ${files.cert} is not valid before ${dated(from)}; is this machine's clock right?`)
  return { cert, key, expiresAt, names: first.subjectAltName ?? first.subject }
}

const textOf = async (path: string, variable: string): Promise<string> => {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new CertificateError(`${path} (${variable}) cannot be read (${code ?? String(error)}); name a file that this user may read.`)
  }
}

const parsed = <T>(parse: () => T, otherwise: string): T => {
  try {
    return parse()
  } catch {
    throw new CertificateError(otherwise)
  }
}

const dated = (time: number): string => new Date(time).toISOString()

const LOOK_EVERY_MS = 10_000
const DAY_MS = 24 * 60 * 60 * 1000
/** Renewals run weeks before the end: when this little is left, they do not work. */
const WARN_DAYS = 10

export interface RenewalOptions {
  files: CertificateFiles
  current: Certificate
  use: (certificate: Certificate) => void
  after: Timers['after']
  now: () => number
  /** A new one could not be used; the one before goes on being used. */
  onProblem: (problem: string) => void
  onRenewed: (certificate: Certificate) => void
}

export interface Renewal {
  /** Reads the files again, changed or not. Never rejects. */
  reload(): Promise<void>
  stop(): void
}

/** Looks at the files every few seconds and puts what is new there to use, for connections from then on. */
export const renewCertificate = ({ files, current, use, after, now, onProblem, onRenewed }: RenewalOptions): Renewal => {
  let used = current
  let seen: string | null = null
  let told = ''
  let warnedOn = -1

  const tell = (problem: string): void => {
    if (problem !== told) onProblem(problem)
    told = problem
  }

  const reload = async (): Promise<void> => {
    try {
      const next = await readCertificate(files, now())
      told = ''
      if (next.cert === used.cert && next.key === used.key) return
      use(next)
      used = next
      onRenewed(next)
    } catch (error) {
      tell(`${error instanceof Error ? error.message : String(error)} The certificate from before goes on being used.`)
    }
  }

  const look = async (): Promise<void> => {
    const stamp = await stampOf(files)
    if (seen !== null && stamp !== seen) await reload()
    seen = stamp
    const daysLeft = Math.floor((used.expiresAt - now()) / DAY_MS)
    if (daysLeft < WARN_DAYS && daysLeft !== warnedOn) {
      warnedOn = daysLeft
      onProblem(`The certificate in ${files.cert} ${daysLeft < 0 ? 'expired' : 'expires'} at ${dated(used.expiresAt)}, and nothing newer is there; renew it.`)
    }
  }

  let cancel = (): void => {}
  let stopped = false
  const schedule = (): void => {
    if (!stopped) cancel = after(LOOK_EVERY_MS, () => void look().then(schedule))
  }
  void look().then(schedule)
  return {
    reload,
    stop: () => {
      stopped = true
      cancel()
    },
  }
}

/** Changes when either file does, also where a link is pointed at another one. One that is missing is in the middle of being renewed. */
const stampOf = async ({ cert, key }: CertificateFiles): Promise<string> =>
  (await Promise.all([cert, key].map(path => stat(path).then(({ mtimeMs, ino, size }) => `${mtimeMs} ${ino} ${size}`, () => 'missing')))).join()
