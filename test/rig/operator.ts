/** The commands for operators, run as an operator runs them: as processes of their own, beside a server or without one. */
import { execFile } from 'node:child_process'

const CLI = new URL('../../server/cli.ts', import.meta.url).pathname

export interface CommandOptions {
  /** Beside the `PATH`. */
  env?: NodeJS.ProcessEnv
  /** What is typed. */
  input?: string
  /** For Node itself. */
  node?: readonly string[]
}

export interface CommandResult {
  code: number
  out: string
  err: string
  /** What ended it, when it did not end by itself. */
  signal?: NodeJS.Signals
}

export const runCommand = (args: readonly string[], { env, input = '', node = [] }: CommandOptions = {}): Promise<CommandResult> =>
  new Promise(resolve => {
    const child = execFile(process.execPath, [...node, CLI, ...args], { env: { PATH: process.env['PATH'], ...env } }, (error, out, err) =>
      resolve({ code: Number(error?.code ?? 0), out, err, ...error?.signal && { signal: error.signal } }))
    child.stdin!.end(input)
  })

/** What a command says that has to succeed. */
export const toldBy = async (args: readonly string[], options: CommandOptions = {}): Promise<string> => {
  const { code, out, err, signal } = await runCommand(args, options)
  if (code !== 0 || signal) throw new Error(`${args[0]} ended with ${signal ?? code}: ${err}`)
  return out
}
