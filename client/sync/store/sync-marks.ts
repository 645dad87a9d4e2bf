/**
 * What this device holds of each document, as the last background sync left it: enough to tell the server without opening a database
 * per document. A mark lags behind when the document was used since; it never claims more than the device holds, for it counts only
 * while the document is of the generation in which it was made.
 */
import * as z from 'zod/mini'
import { listCache } from './list-cache.ts'
import type { ListCache, ListStorage } from './list-cache.ts'
import { parseDocumentName } from '../../../shared/ids.ts'
import type { DocumentName } from '../../../shared/ids.ts'

const schema = z.object({
  name: z.string(),
  generation: z.string(),
  epoch: z.string(),
  head: z.number(),
  /** In base64. */
  stateVector: z.string()
})

export type SyncMark = Omit<z.infer<typeof schema>, 'name'> & { name: DocumentName }

export const syncMarks = (storage: ListStorage): ListCache<SyncMark> => listCache(storage, 'synced', value => {
  const parsed = schema.safeParse(value)
  const name = parsed.success ? parseDocumentName(parsed.data.name) : null
  return parsed.success && name ? { ...parsed.data, name } : null
})
