/** What to tell a person when this device's storage fails. */

/** @returns null for no error */
export const storageProblem = (error: unknown): string | null => {
  if (error === null || error === undefined) return null
  if (error instanceof Error || error instanceof DOMException) {
    if (error.name === 'QuotaExceededError') {
      return 'This device has no space left for Skein. Keep this page open until your messages are saved on the server, and free some space.'
    }
    if (error.name === 'VersionError') {
      return 'This device keeps your conversations for a newer version of Skein, and nothing of them was changed. ' +
        'Reload this page to get that version; what you wrote here since it was opened is safe once it is saved on the server.'
    }
    return `This device could not store your latest changes (${error.name}). Keep this page open until they are saved on the server; reload it afterwards.`
  }
  return 'This device could not store your latest changes. Keep this page open until they are saved on the server; reload it afterwards.'
}
