/** How a reply ended that did not end well, in words, and how it can go on. Pure; `docs/runs.md` has the table. */
import { canGoOn } from '../../../shared/conversation/read.ts'
import type { Message, MessageMetadata } from '../../../shared/conversation/schema.ts'

/** `continue`: goes on with what there is; `retry`: asks anew. */
export type WayOn = 'continue' | 'retry'

export interface ReplyEnding {
  tone: 'stopped' | 'cut' | 'failed'
  reason: string
  /** Those that the server would take. */
  waysOn: readonly WayOn[]
}

/** What asking again cannot mend: the question is gone, or who was to answer it. */
const FINAL_CODES: readonly string[] = ['target-unknown', 'agent-unknown']

/** @returns null for a reply that is whole */
export const replyEnding = ({ parts, metadata }: Pick<Message, 'parts' | 'metadata'>): ReplyEnding | null => {
  const { status, finishReason, error } = metadata
  const onward: WayOn[] = canGoOn(parts) ? ['continue'] : []
  switch (status) {
    case 'complete':
      return finishReason === 'length' ? { tone: 'cut', reason: 'The reply was cut at the longest that it may be.', waysOn: onward } : null
    case 'cancelled':
      return { tone: 'stopped', reason: 'Stopped before it was finished.', waysOn: [...onward, 'retry'] }
    case 'incomplete':
      return { tone: 'cut', reason: error?.message ?? 'The reply was interrupted; what had arrived is kept.', waysOn: [...onward, 'retry'] }
    case 'error':
      return { tone: 'failed', reason: error?.message ?? 'The reply failed.', waysOn: isFinal(metadata) ? [] : [...onward, 'retry'] }
  }
}

const isFinal = ({ error }: MessageMetadata): boolean => error !== undefined && FINAL_CODES.includes(error.code)
