/**
 * Where the keyboard, and a screen reader with it, goes when another page is shown: to where the page has put it (a composer, where there
 * are keys), else to the heading that says what page this is; in the list, to the conversation one comes back from. A heading takes no
 * letters, so that no phone shows its keyboard for it.
 */

/**
 * @param frame holds the list (`nav`) and the page (`main`); on phones one of the two is shown
 * @param cameFrom id of the conversation that is left, if it is one
 * @returns how to stop waiting for a page that is still being loaded, or for a dialog that is still open
 */
export const focusPage = (frame: HTMLElement, cameFrom: string | null): (() => void) => {
  const settled = (): boolean => {
    const [main, nav] = [frame.querySelector('main'), frame.querySelector('nav')]
    if (!main || !nav) return false
    const page = main.checkVisibility() ? main : nav
    if (page === main && main.contains(document.activeElement)) return true
    const target = page === main ? main.querySelector<HTMLElement>('h1') : itemOf(nav, cameFrom) ?? nav
    if (!target) return false
    if (target.tabIndex < 0) target.tabIndex = -1
    target.focus({ preventScroll: page === main })
    // Behind a dialog that is still open nothing takes it.
    return document.activeElement === target
  }
  if (settled()) return () => {}
  const observer = new MutationObserver(() => {
    if (settled()) observer.disconnect()
  })
  observer.observe(document.body, { childList: true, subtree: true })
  return () => observer.disconnect()
}

const itemOf = (nav: HTMLElement, id: string | null): HTMLElement | null =>
  id === null ? null : nav.querySelector<HTMLElement>(`[data-conversation-id="${CSS.escape(id)}"]`)
