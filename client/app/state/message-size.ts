/** How near a text is to what the server accepts as one message. */
import { limits } from '../../../shared/limits.ts'

/** Bytes over the limit of one message, 0 when it fits. Short texts cost nothing to ask about. */
export const bytesOverLimit = (text: string, max: number = limits.messageBytes): number => {
  if (text.length * 6 + 64 < max) return 0 // one UTF-16 unit is at most six bytes of JSON
  const bytes = new TextEncoder().encode(JSON.stringify([{ type: 'text', text }])).length
  return Math.max(0, bytes - max)
}
