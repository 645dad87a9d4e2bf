/** The requests that stand in an update, read from its structs before anything is applied. */
import * as Y from 'yjs'

export interface Proposal {
  id: string
  /** Of a `send`: the message that it follows; null when it follows none or is no `send`. */
  parentId: string | null
}

/** @param decoded of `Y.decodeUpdate`; a request that overwrites another one is found by the judge alone and is missing here */
export const proposalsIn = (decoded: { structs: readonly unknown[] }): Proposal[] => {
  const proposals: Proposal[] = []
  for (const struct of decoded.structs) {
    if (!(struct instanceof Y.Item) || struct.parentSub === null || (struct.parent as unknown) !== 'requests') continue
    proposals.push({ id: struct.parentSub, parentId: parentIdOf(struct.content.getContent()[0]) })
  }
  return proposals
}

/** Whether a struct only proposes to take a message out. */
export const proposesRedaction = (struct: unknown): boolean =>
  struct instanceof Y.Item && (struct.parent as unknown) === 'requests' && property(struct.content.getContent()[0], 'type') === 'redact'

/** What a `send` says that it follows, read from a value that nobody has checked; null when it says nothing. */
export const parentIdOf = (request: unknown): string | null => {
  const message = property(request, 'message')
  const parentId = property(message, 'parentId')
  return typeof parentId === 'string' ? parentId : null
}

const property = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined
