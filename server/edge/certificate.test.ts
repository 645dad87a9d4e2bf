/** The server's own certificate: read, renewed without a restart, told of before it ends. */
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeCertificate, replaceCertificate } from '../../test/rig/certificate.ts'
import type { CertificateFiles } from '../../test/rig/certificate.ts'
import { until } from '../../test/rig/until.ts'
import { ManualTime } from '../../test/rig/manual-time.ts'
import { readCertificate, renewCertificate } from './certificate.ts'

const DAY = 24 * 60 * 60 * 1000
/** When the certificates have been made: they are not valid before. */
let now: number
let folder: string
let first: CertificateFiles
let second: CertificateFiles

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'skein-certificate-'))
  first = await makeCertificate(folder, 'first')
  second = await makeCertificate(folder, 'second')
  now = Date.now()
})
afterAll(() => rm(folder, { recursive: true }))

test('a certificate with its key is taken', async () => {
  const { expiresAt, names } = await readCertificate(first, now)
  expect(Math.round((expiresAt - now) / DAY)).toBe(30)
  expect(names).toContain('DNS:localhost')
})

test.each([
  ['a file that is not there', () => ({ ...first, cert: join(folder, 'none') }), /none \(SKEIN_TLS_CERT\) cannot be read \(ENOENT\)/],
  ['a key that is not there', () => ({ ...first, key: join(folder, 'none') }), /none \(SKEIN_TLS_KEY\) cannot be read \(ENOENT\)/],
  ['a folder', () => ({ ...first, key: folder }), /\(SKEIN_TLS_KEY\) cannot be read \(EISDIR\)/],
  ['the key in the place of the certificate', () => ({ ...first, cert: first.key }), /does not hold a certificate in PEM/],
  ['the certificate in the place of the key', () => ({ ...first, key: first.cert }), /does not hold a private key in PEM without a passphrase/],
  ['the key of another one', () => ({ ...first, key: second.key }), /is not that of the certificate/],
])('%s is refused in one line', async (_what, files, line) => {
  const problem = await readCertificate(files(), now).then(() => 'taken', (error: Error) => error.message)
  expect(problem).toMatch(line)
  expect(problem).not.toMatch(/\n|PRIVATE KEY/)
})

test('one that has expired is refused, and so is one that is not valid yet', async () => {
  await expect(readCertificate(first, now + 31 * DAY)).rejects.toThrow(/expired at 20\d\d-.*renew it/)
  await expect(readCertificate(first, now - DAY)).rejects.toThrow(/is not valid before .*clock/)
})

test('a renewed one is used when its files have changed; a broken one never, and the one before goes on', async () => {
  const files = { cert: join(folder, 'live.crt'), key: join(folder, 'live.key') }
  await replaceCertificate(files, first)
  const time = new ManualTime(now)
  const [usedCerts, problems]: [string[], string[]] = [[], []]
  const current = await readCertificate(files, now)
  const renewal = renewCertificate({
    files, current, use: ({ cert }) => usedCerts.push(cert), after: time.after, now: time.now,
    onProblem: each => problems.push(each), onRenewed: () => {},
  })
  const looked = (what: string, done: () => boolean): Promise<unknown> => until(what, async () => {
    await time.advance(10_000)
    return done()
  })
  await copyFile(second.cert, files.cert)
  await looked('the mismatch is told', () => problems.length > 0)
  expect(problems).toEqual([expect.stringMatching(/is not that of the certificate.*The certificate from before goes on being used\.$/)])
  await copyFile(second.key, files.key)
  await looked('the new one is used', () => usedCerts.length > 0)
  await writeFile(files.cert, 'torn')
  await looked('it is told', () => problems.length > 1)
  await replaceCertificate(files, first)
  await looked('the next one is used', () => usedCerts.length > 1)
  expect(usedCerts).toEqual([await readCertificate(second, now), current].map(({ cert }) => cert))
  await renewal.reload()
  expect([usedCerts.length, problems.length]).toEqual([2, 2])
  renewal.stop()
})

test('one that nobody renews is told of every day from ten days before its end', async () => {
  const current = await readCertificate(first, now)
  const time = new ManualTime(now + 19 * DAY)
  const problems: string[] = []
  const onProblem = (each: string): number => problems.push(each)
  renewCertificate({ files: first, current, use: () => {}, after: time.after, now: time.now, onProblem, onRenewed: () => {} })
  for (const count of [1, 2]) {
    await until(`it is told ${count} times`, async () => {
      await time.advance(60 * 60 * 1000)
      return problems.length === count
    })
  }
  expect(problems[0]).toMatch(/expires at .* renew it/)
})
