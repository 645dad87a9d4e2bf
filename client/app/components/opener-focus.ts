/** Where the keyboard goes when a field that took the place of its button is done with: back to that button. */

export interface OpenerFocus {
  /** The field is done with by a key or a button of its own, rather than because the keyboard went elsewhere. */
  leave: () => void
  /** Attachment of what opens the field, which comes back when the field goes. */
  opener: (node: HTMLElement) => void
}

export const openerFocus = (): OpenerFocus => {
  let left = false
  return {
    leave: () => { left = true },
    opener: node => {
      if (left) node.focus()
      left = false
    }
  }
}
