/**
 * A large document in memory, for who has nothing of it: what the log holds, as it is stored, since encoding 50 MB holds up everybody for
 * half a second.
 */
import { encodeFrame } from '../../shared/wire/codec.ts'
import { joinUpdates } from './join-updates.ts'
import { Outgoing } from './outgoing.ts'

/** Smaller updates go together in one frame. */
const LARGE = 64 * 1024

/**
 * @param updates of the log, in order
 * @returns frames that a client applies in order; made with pauses between them
 */
export const storedAnswer = async (updates: readonly Uint8Array[], yieldToOthers: () => Promise<void>): Promise<Outgoing[]> => {
  const answer: Outgoing[] = []
  const add = async (update: Uint8Array): Promise<void> => {
    const outgoing = new Outgoing(encodeFrame({ type: 'update', update }))
    if (outgoing.wire.length > 0) answer.push(outgoing)
    await yieldToOthers()
  }
  let small: Uint8Array[] = []
  let bytes = 0
  const addSmall = async (): Promise<void> => {
    if (small.length > 0) await add(joined(small))
    small = []
    bytes = 0
  }
  for (const update of updates) {
    if (update.length >= LARGE || bytes >= LARGE) await addSmall()
    if (update.length >= LARGE) await add(update)
    else {
      small.push(update)
      bytes += update.length
    }
  }
  await addSmall()
  return answer
}

const joined = (updates: readonly Uint8Array[]): Uint8Array => {
  const joining = joinUpdates(updates)
  for (;;) {
    const { done, value } = joining.next()
    if (done) return value.update
  }
}
