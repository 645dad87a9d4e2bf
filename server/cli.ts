/** The operator's commands beside the server, as `node server/cli.ts <command>`. */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { DataFolderError } from './log/leveldb/data-folder-error.ts'
import { verifyStore } from './log/leveldb/verify.ts'

const USAGE = `Usage: node server/cli.ts verify [--data <folder>]

verify   Checks everything that is stored, with the server stopped, and names what is lost or changed, one line for each finding.
         Nothing is written. Ends with 0 when all is well, with 1 when something is damaged, with 2 when it could not look.

--data   The data folder; by default SKEIN_DATA, or ./data.
`
const [CLEAN, DAMAGED, USED_WRONGLY] = [0, 1, 2] as const

const run = async (args: string[]): Promise<number> => {
  const { command, data } = read(args)
  if (command !== 'verify') return tell(USAGE, USED_WRONGLY)
  const found = await verifyStore(join(data, 'log'))
  for (const { document, what } of found) process.stdout.write(`${document ?? 'the store'}: ${what}\n`)
  if (found.length === 0) process.stdout.write('Everything is as it was written.\n')
  return found.length === 0 ? CLEAN : DAMAGED
}

const read = (args: string[]): { command: string | undefined, data: string } => {
  const { positionals: [command, ...more], values } = parseArgs({ args, allowPositionals: true, options: { data: { type: 'string' } } })
  if (more.length > 0) throw new TypeError(`"${more[0]}" is one word too many.`)
  return { command, data: values.data ?? (process.env['SKEIN_DATA']?.trim() || './data') }
}

const tell = (text: string, code: number): number => {
  process.stderr.write(text)
  return code
}

/** What an operator can mend is said in one line; everything else keeps its stack, since it is a defect of ours. */
const explain = (error: unknown): string => {
  if (error instanceof DataFolderError) return `${error.message}\n`
  if (error instanceof TypeError) return `${error.message}\n\n${USAGE}`
  return `${error instanceof Error ? error.stack ?? error.message : String(error)}\n`
}

process.exitCode = await run(process.argv.slice(2)).catch((error: unknown) => tell(explain(error), USED_WRONGLY))
