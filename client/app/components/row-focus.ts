/**
 * Where the keyboard goes when the row of a list that it was in goes, or the button in it: to where the same can be done in the row that
 * came in its place, else to the row beside it. Without this a browser leaves it at the top of the page, and whoever has no pointer begins
 * there after each thing deleted, each version looked at, each reply asked for again.
 */

const LISTS = 'ul, ol, [data-rows]'
const REGIONS = 'section, form, dialog'
const TAKES_KEYS = 'a[href], button:not([disabled]), summary, select, [tabindex="0"]'

const instead = new WeakMap<Element, () => void>()

/**
 * Attachment: the children of this element are rows.
 * @param goOn takes the keyboard where no other row has the same control
 */
export const rows = (goOn: () => void) => (node: HTMLElement): void => {
  node.dataset['rows'] = ''
  instead.set(node, goOn)
}

/** What had the keyboard last, and all that it stood in, from inside out. */
interface Place {
  element: HTMLElement
  around: HTMLElement[]
  list: HTMLElement
  row: HTMLElement
}

/** Watches all lists of a page. @returns how to stop */
export const keepFocusInLists = (page: HTMLElement): (() => void) => {
  let place: Place | null = null
  const focused = ({ target }: FocusEvent): void => {
    place = target instanceof HTMLElement ? placeOf(target) : null
  }
  const left = ({ relatedTarget }: FocusEvent): void => {
    // Gone elsewhere by the person's doing; a browser may also tell so of what is just being taken out.
    const element = place?.element
    queueMicrotask(() => {
      if (relatedTarget === null && element?.isConnected && place?.element === element && !element.matches(':disabled')) place = null
    })
  }
  const observer = new MutationObserver(changes => {
    if (!place || place.element.isConnected) return
    const gone = place
    place = null
    if (document.activeElement === null || document.activeElement === document.body) moveOn(gone, changes)
  })
  page.addEventListener('focusin', focused)
  page.addEventListener('focusout', left)
  observer.observe(page, { childList: true, subtree: true })
  return () => {
    page.removeEventListener('focusin', focused)
    page.removeEventListener('focusout', left)
    observer.disconnect()
  }
}

const placeOf = (element: HTMLElement): Place | null => {
  const list = element.parentElement?.closest<HTMLElement>(LISTS)
  if (!list) return null
  const around: HTMLElement[] = []
  for (let each = element.parentElement; each; each = each.parentElement) around.push(each)
  const row = around[around.indexOf(list) - 1] ?? element
  return { element, around, list, row }
}

const moveOn = ({ element, around, list, row }: Place, changes: readonly MutationRecord[]): void => {
  if (row !== element && row.isConnected) return first(row)?.focus()
  if (!list.isConnected) return headingOf(around.find(each => each.isConnected && each.matches(REGIONS)))?.focus()
  const { came, beside } = neighbours(list, row, changes)
  const same = [...came, ...beside].map(each => sameIn(each, element)).find(each => each !== null)
  if (same) return same.focus()
  const goOn = instead.get(list)
  if (goOn) return goOn()
  const next = beside.map(first).find(each => each !== null)
  ;(next ?? headingOf(list.closest<HTMLElement>(REGIONS)))?.focus()
}

/** Rows that came with this change, and those that stood beside the one that went, the later one first. */
const neighbours = (
  list: HTMLElement, row: HTMLElement, changes: readonly MutationRecord[]
): { came: HTMLElement[], beside: HTMLElement[] } => {
  const own = changes.filter(({ target }) => target === list)
  const isRow = (node: Node | null): node is HTMLElement => node instanceof HTMLElement && node.parentElement === list
  const from = own.find(({ removedNodes }) => [...removedNodes].includes(row))
  const beside = [walk(from?.nextSibling, 'nextSibling'), walk(from?.previousSibling, 'previousSibling')]
  return { came: own.flatMap(({ addedNodes }) => [...addedNodes]).filter(isRow), beside: beside.filter(isRow) }
}

/** Between rows stand the comments by which Svelte knows its blocks. */
const walk = (from: Node | null | undefined, direction: 'nextSibling' | 'previousSibling'): Node | null => {
  let node = from ?? null
  while (node && !(node instanceof HTMLElement)) node = node[direction]
  return node
}

const nameOf = (element: HTMLElement): string => element.getAttribute('aria-label') || element.title || element.textContent.trim()

/** What does the same in another row; where it can do no more, what stands beside it. */
const sameIn = (row: HTMLElement, gone: HTMLElement): HTMLElement | null => {
  const same = [...row.querySelectorAll<HTMLElement>(gone.localName)].find(each => nameOf(each) === nameOf(gone))
  if (!same) return null
  return same.matches(TAKES_KEYS) ? same : same.parentElement && first(same.parentElement)
}

const first = (within: HTMLElement): HTMLElement | null =>
  [...within.querySelectorAll<HTMLElement>(TAKES_KEYS)].find(each => each.checkVisibility()) ?? null

const headingOf = (region: HTMLElement | null | undefined): HTMLElement | null => {
  const heading = region?.querySelector<HTMLElement>('h1, h2, h3') ?? null
  if (heading && heading.tabIndex < 0) heading.tabIndex = -1
  return heading
}
