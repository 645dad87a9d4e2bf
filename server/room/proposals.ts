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
    const proposed = requestIn(struct)
    if (proposed) proposals.push({ id: proposed.id, parentId: parentIdOf(proposed.request) })
  }
  return proposals
}

/** The request that a struct of a conversation's update proposes; nobody has checked it yet. */
export const requestIn = (struct: unknown): { id: string, request: unknown } | null =>
  struct instanceof Y.Item && struct.parentSub !== null && (struct.parent as unknown) === 'requests'
    ? { id: struct.parentSub, request: struct.content.getContent()[0] } : null

/** What nobody may be kept from, however full the document is. @param request nobody has checked it yet */
export const asksForAnEnd = (request: unknown): boolean => {
  const type = property(request, 'type')
  return type === 'redact' || type === 'stop'
}

/** What a `send` says that it follows, read from a value that nobody has checked; null when it says nothing. */
export const parentIdOf = (request: unknown): string | null => {
  const message = property(request, 'message')
  const parentId = property(message, 'parentId')
  return typeof parentId === 'string' ? parentId : null
}

const property = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined
