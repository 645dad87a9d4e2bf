/** The SDK by itself in a page of the browser, for what the app has no screen for: the test's code finds it at `window.rig`. */
import { openConversation } from '../../../client/sync/conversation.ts'
import type { Conversation } from '../../../client/sync/conversation.ts'
import { openDeviceStore } from '../../../client/sync/store/indexeddb.ts'
import { openDocument } from '../../../client/sync/synced-document.ts'
import type { SyncedDocument } from '../../../client/sync/synced-document.ts'
import { browserTabs } from '../../../client/sync/tabs/browser.ts'
import { TabSession } from '../../../client/sync/tabs/session.ts'
import { readDrafts, textOf } from '../../../shared/conversation/read.ts'
import { parseDocumentName } from '../../../shared/ids.ts'
import type { DocumentName } from '../../../shared/ids.ts'

declare global {
  interface Window { rig: typeof rig }
}

const place = (name: DocumentName, userId: string) => {
  const device = openDeviceStore({ userId })
  const surroundings = browserTabs(window)!
  const tabs = new TabSession({ surroundings, key: `skein:${userId}:${name}`, openStore: () => device.document(name) })
  return { name, url: `ws://${location.host}/sync`, store: tabs.store, tabs, userId }
}

let talk: Conversation | null = null
let board: SyncedDocument | null = null

const given = <T>(opened: T | null): T => {
  if (opened === null) throw new Error('Nothing was opened in this page yet')
  return opened
}

export const rig = {
  get talk(): Conversation { return given(talk) },
  get board(): SyncedDocument { return given(board) },
  open(name: string, userId: string): void {
    const parsed = parseDocumentName(name)!
    if (name.startsWith('conversation/')) talk = openConversation({ ...place(parsed, userId), userName: userId })
    else board = openDocument(place(parsed, userId))
  },
  hasUnsaved: (): boolean => given(talk ?? board).hasUnsaved,
  /** The texts of all drafts. */
  drafts: (): string[] => readDrafts(rig.talk.doc).map(({ parts }) => textOf(parts)).sort(),
  messages: (): string[] => rig.talk.view().messages.map(({ message, delivery }) => `${textOf(message.parts)} (${delivery.state})`),
  /** Says it, and resolves when it is on this device. */
  send: async (text: string): Promise<void> => void await rig.talk.send(text, { to: [] }),
  /** Into a new draft. */
  type: (text: string): void => rig.talk.draftText(rig.talk.openDraft())!.insert(0, text),
  settled: (): boolean => rig.talk.view().synced && rig.talk.view().pending === 0 && !rig.talk.hasUnsaved,
  body: (): string => rig.board.doc.getText('body').toString(),
  kept: async (): Promise<string[]> => (await rig.board.keptVersions()).map(({ doc }) => doc.getText('body').toString())
}

window.rig = rig
