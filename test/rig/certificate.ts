/** Certificates that nobody but a test trusts, made by openssl. */
import { execFile } from 'node:child_process'
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

export interface CertificateFiles {
  cert: string
  key: string
}

/** Makes `<name>.crt` and `<name>.key` in the folder, for localhost and 127.0.0.1, good for 30 days. */
export const makeCertificate = async (folder: string, name: string): Promise<CertificateFiles> => {
  const files = { cert: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) }
  await promisify(execFile)('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30', '-subj', `/CN=${name}`,
    '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', files.key, '-out', files.cert,
  ])
  return files
}

/** Puts one in the place of another, as a renewal does. */
export const replaceCertificate = async (old: CertificateFiles, by: CertificateFiles): Promise<void> => {
  await copyFile(by.cert, old.cert)
  await copyFile(by.key, old.key)
}
