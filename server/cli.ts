/** The operator's commands beside the server, as `node server/cli.ts <command>`. The library of accounts is loaded where it is needed. */
import { randomFillSync } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import { newProviderKey } from '../shared/api/account-schemas.ts'
import { accountLimits } from '../shared/limits.ts'
import { ConfigError } from './config-error.ts'
import { readConfig } from './config.ts'
import type { Config } from './config.ts'
import { AccountsError } from './identity/accounts/database.ts'
import type { Administration } from './identity/accounts/administration.ts'
import { invitePath } from './identity/accounts/mail.ts'
import { openLevelDbLog } from './log/leveldb/leveldb-log.ts'
import { openProviderKeys } from './identity/provider-keys.ts'
import { isProviderKeyName } from './identity/provider-keys-port.ts'
import { loadSecrets, rotateSecret, SecretError } from './identity/secret.ts'
import { VaultError } from './identity/vault.ts'
import { DataFolderError } from './log/leveldb/data-folder-error.ts'
import { verifyStore } from './log/leveldb/verify.ts'

const USAGE = `Usage: node server/cli.ts verify [--data <folder>]
       node server/cli.ts make-admin <e-mail address> [--data <folder>]
       node server/cli.ts reset-password <e-mail address> [--data <folder>]
       node server/cli.ts invite [--data <folder>]
       node server/cli.ts export-person <e-mail address or id> [--data <folder>]
       node server/cli.ts set-key <name> [--data <folder>]
       node server/cli.ts remove-key <name> [--data <folder>]
       node server/cli.ts keys [--data <folder>]
       node server/cli.ts rotate-secret [--forget-old] [--data <folder>]

verify          Checks everything that is stored, with the server stopped, and names what is lost or changed, one line for each finding.
                Nothing is written. Ends with 0 when all is well, with 1 when something is damaged, with 2 when it could not look.
make-admin      The account of this address may see, disable and invite accounts.
reset-password  Prints a link with which whoever has it sets a new password for the account of this address; once, within an hour. Unless the
                address was confirmed by mail, whatever else lets somebody in ends with that: passkeys, tokens, links, other ways to sign in.
invite          Prints a link with which one account can be made where SKEIN_SIGNUP=invite; once, within 14 days.
export-person   Prints all that is kept of this person, one JSON value a line, with the server stopped.
set-key         Stores the key of a model provider, read from standard input, encrypted with the server's secret. Models whose entry in
                SKEIN_MODELS names no variable take it: "openai", "anthropic", "google", or the model's id where it is elsewhere.
remove-key      The server has none of this name any more.
keys            Lists those that are stored: name, last four characters, since when. Nobody is shown a key again.
rotate-secret   Puts a new secret in front of the one in the data folder. Restart the server to use it; what the old ones signed still
                counts, and stored keys are encrypted anew. With --forget-old it does not: every guest begins anew, everybody signs in again. For when a secret leaked.

All but verify and export-person may be used while the server runs. They end with 0 when it was done, with 1 when there is no such account
or key. Where SKEIN_SECRET is set for the server, it has to be set for the commands about keys, too.

--data   The data folder; by default SKEIN_DATA, or ./data. Where accounts are in a Postgres, SKEIN_ACCOUNTS_URL has to be set, as for the server.
`
const random = <T extends Uint8Array>(target: T): T => randomFillSync(target)
const [DONE, NOT_SO, USED_WRONGLY] = [0, 1, 2] as const

const run = async (args: string[]): Promise<number> => {
  const { command, words, data, forgetOld } = read(args)
  switch (command) {
    case 'verify':
      expectWords(words, 0)
      return verify(data)
    case 'make-admin':
      return withAccounts(data, async accounts => await accounts.setRole(oneWord(words), 'admin') ? say('It is an admin now.') : noSuchAccount())
    case 'reset-password':
      return withAccounts(data, async (accounts, origin) => {
        const path = await accounts.createResetPath(oneWord(words))
        return path === null ? noSuchAccount() : say(origin + path)
      })
    case 'invite':
      expectWords(words, 0)
      return withAccounts(data, async (accounts, origin) => say(origin + invitePath((await accounts.createInviteCode('operator')).code)))
    case 'export-person':
      return exportPersonFrom(data, oneWord(words))
    case 'set-key':
      return setKey(data, oneWord(words, 'The name of the key is missing.'))
    case 'remove-key':
      return await keysIn(data).remove(oneWord(words, 'The name of the key is missing.')) ? say('It is removed.') : tell('There is no key of this name; nothing was changed.\n', NOT_SO)
    case 'keys':
      expectWords(words, 0)
      return listKeys(data)
    case 'rotate-secret':
      expectWords(words, 0)
      return rotate(data, forgetOld)
    default:
      return tell(USAGE, USED_WRONGLY)
  }
}

const verify = async (data: string): Promise<number> => {
  const found = await verifyStore(join(data, 'log'))
  for (const { document, what } of found) process.stdout.write(`${document ?? 'the store'}: ${what}\n`)
  return found.length === 0 ? say('Everything is as it was written.') : NOT_SO
}

const exportPersonFrom = async (data: string, wanted: string): Promise<number> => {
  const { accounts } = readConfig(process.env)
  const { exportStopped } = await import('./export-stopped.ts')
  const log = await openLevelDbLog({ path: join(data, 'log'), durability: 'fsync' })
  try {
    const lines = await exportStopped({ data, accounts, log, wanted, random })
    if (lines === null) return tell('There is no such person; nothing was printed.\n', NOT_SO)
    for await (const line of lines) if (!process.stdout.write(line)) await once(process.stdout, 'drain')
    return DONE
  } finally {
    await log.close()
  }
}

/** The key comes by standard input: arguments of programs can be seen by every user of the machine, and stay in the shell's history. */
const setKey = async (data: string, name: string): Promise<number> => {
  if (!isProviderKeyName(name)) throw new TypeError(`"${name}" is no name of a key: small letters, digits, - and _, 64 at most.`)
  if (process.stdin.isTTY) process.stderr.write('Paste the key, then press Enter and Ctrl-D: ')
  const read = newProviderKey.safeParse({ name, key: await text(process.stdin) })
  if (!read.success) throw new TypeError(`Standard input has to hold the key and nothing else, ${accountLimits.providerKeyLength} characters at most, without spaces. Nothing was stored.`)
  await keysIn(data).set(name, read.data.key)
  return say('It is stored. The next reply uses it.')
}

const listKeys = async (data: string): Promise<number> => {
  const keys = await keysIn(data).list()
  for (const { name, lastFour, setAt, readable } of keys) {
    say(readable ? `${name}\t…${lastFour ?? ''}\t${new Date(setAt).toISOString()}` : `${name}\tcannot be read with the server's secret`)
  }
  return keys.length === 0 ? say('No key is stored.') : keys.every(({ readable }) => readable) ? DONE : NOT_SO
}

const keysIn = (dataFolder: string) => {
  const { secrets: given } = readConfig(process.env)
  return openProviderKeys({ dataFolder, secrets: () => loadSecrets({ given, dataFolder, random }), now: Date.now, random })
}

const rotate = async (data: string, forgetOld: boolean): Promise<number> => {
  if (process.env['SKEIN_SECRET']?.trim()) {
    throw new SecretError('SKEIN_SECRET is set, so the one in the data folder is not used: put a new one in front of it there, with a comma behind.')
  }
  const count = await rotateSecret({ dataFolder: data, random, now: Date.now, forgetOld, reseal: secrets => keysIn(data).reseal(secrets) })
  return say(`There is a new secret; restart the server to use it. ${count === 1 ? 'What the old ones signed is good for nothing then.' : `Those before it still count: ${count - 1}.`}`)
}

/** @param task is told under which address people reach the server */
const withAccounts = async (data: string, task: (accounts: Administration, origin: string) => Promise<number>): Promise<number> => {
  const config = readConfig(process.env)
  const { openAdministration } = await import('./identity/accounts/open-accounts.ts')
  const accounts = await openAdministration(data, config.accounts, { now: Date.now, random })
  try {
    return await task(accounts, originOf(config))
  } finally {
    await accounts.close()
  }
}

const originOf = ({ port, edge: { publicUrl } }: Config): string => publicUrl?.origin ?? `http://localhost:${port}`

interface Asked {
  command: string | undefined
  words: string[]
  data: string
  forgetOld: boolean
}

const read = (args: string[]): Asked => {
  const { positionals: [command, ...words], values } = parseArgs({ args, allowPositionals: true, options: { 'data': { type: 'string' }, 'forget-old': { type: 'boolean' } } })
  return { command, words, data: values.data ?? (process.env['SKEIN_DATA']?.trim() || './data'), forgetOld: values['forget-old'] ?? false }
}

const expectWords = (words: readonly string[], count: number, missing = 'The e-mail address of the account is missing.'): void => {
  if (words.length > count) throw new TypeError(`"${words[count]}" is one word too many.`)
  if (words.length < count) throw new TypeError(missing)
}

const oneWord = (words: readonly string[], missing?: string): string => {
  expectWords(words, 1, missing)
  return words[0]!
}

const say = (text: string): number => {
  process.stdout.write(`${text}\n`)
  return DONE
}

const noSuchAccount = (): number => tell('There is no account of this address; nothing was changed.\n', NOT_SO)

const tell = (text: string, code: number): number => {
  process.stderr.write(text)
  return code
}

/** What an operator can mend is said in one line; everything else keeps its stack, since it is a defect of ours. */
const explain = (error: unknown): string => {
  if (error instanceof DataFolderError || error instanceof AccountsError || error instanceof ConfigError || error instanceof SecretError || error instanceof VaultError) return `${error.message}\n`
  if (error instanceof TypeError) return `${error.message}\n\n${USAGE}`
  return `${error instanceof Error ? error.stack ?? error.message : String(error)}\n`
}

process.exitCode = await run(process.argv.slice(2)).catch((error: unknown) => tell(explain(error), USED_WRONGLY))
