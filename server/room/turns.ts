/**
 * Work that is done in pieces, over all rooms: between two pieces the event loop goes round once, so whoever only says something waits for
 * one piece of somebody else's at most, however many wait for their turn.
 */

/** @param nextTurn runs what it is given when the event loop has gone round */
export const oneATurn = (nextTurn: (run: () => void) => void): (() => Promise<void>) => {
  const waiting: (() => void)[] = []
  const goOn = (): void => {
    waiting.shift()!()
    if (waiting.length > 0) nextTurn(goOn)
  }
  return () => new Promise(resolve => {
    waiting.push(resolve)
    if (waiting.length === 1) nextTurn(goOn)
  })
}
