/**
 * Who may write a document on this device. Whoever begins to own it draws a number, higher than every one before, in the transaction that
 * it reads in afterwards or before; each of its writes looks, in its own transaction, whether a higher one was drawn since, and then
 * changes nothing. So of all who take themselves for the owner only the last to read can write, however late the others go on.
 */
export class FencedError extends Error {
  override readonly name = 'FencedError'

  constructor() {
    super('Another tab owns this document since.')
  }
}

/** @param drawn the latest number, as stored @param own null: written without having drawn one */
export const isFenced = (drawn: unknown, own: number | null): boolean => own !== null && typeof drawn === 'number' && drawn > own

/** @throws FencedError */
export const checkFence = (drawn: unknown, own: number | null): void => {
  if (isFenced(drawn, own)) throw new FencedError()
}
