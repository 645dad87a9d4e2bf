/** The names for what Yjs's types do not name. */
import type * as Y from 'yjs'

/** A shared type as `doc.share` holds it; Yjs's own annotation of its event is not exported. */
export type SharedType = Y.Doc['share'] extends Map<string, infer T> ? T : never
