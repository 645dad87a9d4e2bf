/** Copies text. Where the page may not use the clipboard (plain HTTP, no permission) the old way is tried. */

/** What whoever asked for it is told for a moment, `COPY_SAID_MS` long. */
export const copySaid = { copied: 'Copied', failed: 'Copying is not allowed here' } as const
export type CopyOutcome = keyof typeof copySaid
export const COPY_SAID_MS = 1_500

/** @returns `copied`: the text is in the clipboard now */
export const copyText = async (text: string): Promise<CopyOutcome> => {
  try {
    await navigator.clipboard.writeText(text)
    return 'copied'
  } catch {
    return copyBySelection(text) ? 'copied' : 'failed' // no clipboard here: an insecure origin, or not permitted
  }
}

const copyBySelection = (text: string): boolean => {
  const field = document.createElement('textarea')
  field.value = text
  field.className = 'unseen'
  document.body.append(field)
  field.select()
  const copied = document.execCommand('copy')
  field.remove()
  return copied
}
