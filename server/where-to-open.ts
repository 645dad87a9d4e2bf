/** What a person types into a browser: told when the server listens. */
import type { networkInterfaces } from 'node:os'
import type { Config } from './config.ts'

/** Addresses that stand for all of the machine's; a browser opens none of them. */
const ALL = ['0.0.0.0', '::']

/** @param interfaces the machine's, as Node tells them */
export const whereToOpen = (
  { host, edge: { publicUrl, tls } }: { host: string, edge: Pick<Config['edge'], 'publicUrl' | 'tls'> }, port: number,
  interfaces: ReturnType<typeof networkInterfaces>
): string => {
  if (publicUrl) return publicUrl.origin
  const at = (name: string): string => `${tls ? 'https' : 'http'}://${name}:${port}`
  if (!ALL.includes(host)) return at(host === '127.0.0.1' ? 'localhost' : host.includes(':') ? `[${host}]` : host)
  const others = Object.values(interfaces).flatMap(each => each ?? [])
    .flatMap(({ address, family, internal }) => internal || family !== 'IPv4' ? [] : [at(address)])
  return [at('localhost'), ...others].join(', from other devices ')
}
