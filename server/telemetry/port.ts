/** What the server's parts need of a logger: one structured line per call. Fields hold ids, counts and times, never text of messages. */

type Log = (fields: Readonly<Record<string, unknown>>, message: string) => void

export interface Logger {
  readonly debug: Log
  readonly info: Log
  readonly warn: Log
  readonly error: Log
}
