/** What a close frame says beside its number. */
import type { ErrorCode } from '../../shared/errors.ts'

/** WebSocket close reasons hold at most 123 bytes. */
const CLOSE_REASON_BYTES = 123

/** `code: reason`, cut to what a close frame can carry. */
export const closeReason = (code: ErrorCode, reason: string): string => {
  const text = `${code}: ${reason}`
  const bytes = Buffer.from(text)
  return bytes.length <= CLOSE_REASON_BYTES ? text : `${bytes.subarray(0, CLOSE_REASON_BYTES - 3).toString().replace(/\uFFFD+$/, '')}…`
}
