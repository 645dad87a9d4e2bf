/** How a call ended, as a test compares it. */
import { SkeinError } from '../../shared/errors.ts'
import type { ErrorCode } from '../../shared/errors.ts'

export const codeOf = async (call: Promise<unknown>): Promise<ErrorCode | 'done' | 'other'> =>
  call.then(() => 'done' as const, (error: unknown) => error instanceof SkeinError ? error.code : 'other')
