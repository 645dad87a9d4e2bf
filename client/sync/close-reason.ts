/** What the server said when it closed a socket, as a person can read it. */
import { errorTable, isErrorCode } from '../../shared/errors.ts'

/** @param text `code: reason`, cut with `…` where it did not fit a close frame: then the error table says it whole */
export const readCloseReason = (text: string): string => {
  const [, code = '', reason = ''] = /^([a-z-]+): (.*)$/s.exec(text) ?? []
  if (!isErrorCode(code)) return text
  return reason.endsWith('…') ? errorTable[code].message : reason
}
