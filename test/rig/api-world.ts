/** A small world behind the API's ports: everything in memory, time by hand, requests without a socket. */
import * as Y from 'yjs'
import { createApi } from '../../server/api/api.ts'
import type { Directory, DirectoryEntry } from '../../server/directory/port.ts'
import { createGuestIdentity } from '../../server/identity/guest-cookie.ts'
import { createNoIdentity } from '../../server/identity/none.ts'
import type { LedgerEntry } from '../../server/log/port.ts'
import type { ConversationWriter, Room } from '../../server/room/port.ts'
import type { ConversationSummary } from '../../shared/conversation/event.ts'
import type { AgentId, DocumentName, RequestId, UserId } from '../../shared/ids.ts'
import type { Principal } from '../../shared/principal.ts'

export const START = Date.UTC(2026, 10, 1)

export interface ApiWorldOptions {
  openToAll?: boolean
  clientFolder?: string
  /** Takes the place of the identity's answer; for failures. */
  authenticate?: () => Promise<Principal | null>
}

export type ApiWorld = ReturnType<typeof createApiWorld>

export const createApiWorld = ({ openToAll = false, clientFolder = '/nonexistent', authenticate }: ApiWorldOptions = {}) => {
  let now = START
  let made = 0
  const clock = () => now
  const lines: { level: string, fields: Readonly<Record<string, unknown>>, message: string }[] = []
  const line = (level: string) => (fields: Readonly<Record<string, unknown>>, message: string): void => {
    lines.push({ level, fields, message })
  }
  const timers = manualTimers()
  const directory = memoryDirectory()
  const documents = new Map<DocumentName, Y.Doc>()
  const summaries = new Map<DocumentName, ConversationSummary>()
  const ledger = new Map<string, LedgerEntry>()
  const identity = openToAll
    ? createNoIdentity()
    : createGuestIdentity({ secret: new Uint8Array(32), now: clock, random: target => target.fill(++made) })

  const documentOf = (name: DocumentName): Y.Doc => {
    const doc = documents.get(name) ?? new Y.Doc()
    documents.set(name, doc)
    return doc
  }

  const api = createApi({
    identity: authenticate ? { ...identity, authenticate } : identity,
    directory,
    log: {
      list: async prefix => [...documents.keys()].filter(name => name.startsWith(prefix)).sort(),
      summaries: async names => new Map(names.flatMap(name => {
        const summary = summaries.get(name)
        return summary ? [[name, summary]] : []
      })),
      ledger: async (name, ids) => new Map(ids.flatMap(id => {
        const entry = ledger.get(`${name} ${id}`)
        return entry ? [[id, entry]] : []
      })),
    },
    rooms: { use: (name, use) => use(memoryRoom(name, documentOf(name))) },
    agents: {
      defaultId: 'guide' as AgentId,
      all: [{
        id: 'guide' as AgentId, name: 'Guide', description: 'Not a language model.', isLanguageModel: false, onInterruption: 'seal',
        async *reply() { yield { type: 'finish', finishReason: 'stop', model: 'none' } },
      }],
    },
    openToAll,
    clientFolder,
    version: '1.2.3',
    now: clock,
    random: { uuid: () => `00000000-0000-7000-8000-${String(++made).padStart(12, '0')}` },
    timers,
    logger: { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') },
  })

  /** A browser: keeps its cookie. */
  const browser = () => {
    let cookie: string | undefined
    const request = async (path: string, init: RequestInit = {}): Promise<Response> => {
      const headers = new Headers(init.headers)
      if (cookie && !headers.has('cookie')) headers.set('cookie', cookie)
      const response = await api.app.request(path, { ...init, headers })
      const set = response.headers.get('set-cookie')
      if (set) cookie = set.slice(0, set.indexOf(';'))
      return response
    }
    return {
      request,
      get: request,
      post: (path: string, body: unknown, headers: Record<string, string> = {}) =>
        request(path, { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json', ...headers } }),
    }
  }

  return {
    ...api,
    browser,
    directory,
    documentOf,
    summaries,
    lines,
    timers,
    takeRequest: (name: DocumentName, entry: LedgerEntry) => void ledger.set(`${name} ${entry.requestId}`, entry),
    pass: (milliseconds: number) => { now += milliseconds },
  }
}

const manualTimers = () => {
  const waiting = new Set<{ ms: number, run: () => void }>()
  return {
    after: (ms: number, run: () => void) => {
      const timer = { ms, run }
      waiting.add(timer)
      return () => void waiting.delete(timer)
    },
    /** What is being waited for, in milliseconds. */
    pending: () => [...waiting].map(({ ms }) => ms),
    fire: () => {
      const due = [...waiting]
      waiting.clear()
      for (const { run } of due) run()
    },
  }
}

const memoryDirectory = (): Directory => {
  const entries = new Map<DocumentName, { name: DocumentName, createdAt: number, members: Map<UserId, DirectoryMember> }>()
  const invitations = new Map<string, { name: DocumentName, role: 'editor' | 'viewer' }>()
  type DirectoryMember = DirectoryEntry['members'] extends ReadonlyMap<UserId, infer Member> ? Member : never
  return {
    find: async name => entries.get(name) ?? null,
    create: async (name, owner, at) => {
      const entry = entries.get(name) ?? { name, createdAt: at, members: new Map([[owner.id, { role: 'owner' as const, name: owner.name }]]) }
      entries.set(name, entry)
      return entry
    },
    setMember: async (name, { id, role, name: displayName }) => void entries.get(name)?.members.set(id, { role, name: displayName }),
    listOf: async (user, prefix) => [...entries.values()].flatMap(({ name, createdAt, members }) => {
      const member = members.get(user)
      return member && name.startsWith(prefix) ? [{ name, role: member.role, createdAt }] : []
    }),
    invite: async (name, role) => {
      const secret = `secret-${invitations.size}`
      invitations.set(secret, { name, role })
      return secret
    },
    accept: async (secret, principal) => {
      const invitation = invitations.get(secret)
      const entry = invitation && entries.get(invitation.name)
      if (!entry) return null
      if (!entry.members.has(principal.id)) entry.members.set(principal.id, { role: invitation.role, name: principal.name })
      return entry
    },
  }
}

const memoryRoom = (name: DocumentName, doc: Y.Doc): Room => ({
  name,
  read: async reader => reader(doc),
  write: async (_actor, change) => doc.transact(() => change(writerTo(doc))),
})

/** Of the writer the API uses the document only. */
const writerTo = (doc: Y.Doc): ConversationWriter => {
  const unused = () => { throw new Error('the API does not write this') }
  return { doc, appendMessage: unused, openDraft: unused, appendToDraft: unused, dropDraft: unused, setRun: unused }
}

export const requestIdOf = (n: number): RequestId => `01900000-0000-7000-8000-${String(n).padStart(12, '0')}` as RequestId
