/** Puts one block's HTML on the page: sanitised, code with its language and a copy button, tables in a box that scrolls. */
import { COPY_SAID_MS, copySaid, copyText } from '../state/clipboard.ts'
import { sanitise } from './sanitise.ts'

/** What the box of a task list became. */
const TASK = /^\s*[☑☐]/

/** A Svelte attachment: `{@attach showBlock(html)}`. */
export const showBlock = (html: string) => (node: HTMLElement): void => {
  const fragment = sanitise(html)
  for (const pre of fragment.querySelectorAll('pre')) frameCode(pre)
  for (const table of fragment.querySelectorAll('table')) frameTable(table)
  for (const item of fragment.querySelectorAll('li')) item.classList.toggle('task', TASK.test(item.textContent))
  node.replaceChildren(fragment)
}

const frameCode = (pre: HTMLPreElement): void => {
  const head = element('div', 'code-head')
  const label = element('span')
  label.textContent = pre.querySelector('code')?.className.replace('language-', '') || 'text'
  const button = element('button', 'quiet')
  button.type = 'button'
  button.textContent = 'Copy'
  button.setAttribute('aria-live', 'polite')
  button.addEventListener('click', () => {
    void copyText(pre.textContent).then(outcome => {
      button.textContent = copySaid[outcome]
      setTimeout(() => { button.textContent = 'Copy' }, COPY_SAID_MS)
    })
  })
  head.append(label, button)
  pre.tabIndex = 0
  pre.setAttribute('role', 'region')
  pre.setAttribute('aria-label', `Code: ${label.textContent}`)
  const frame = element('div', 'code')
  pre.replaceWith(frame)
  frame.append(head, pre)
}

/** Letters from which on a cell holds a text rather than a value. */
const LONG_CELL = 24

const frameTable = (table: HTMLTableElement): void => {
  for (const cell of table.querySelectorAll('th, td')) cell.classList.toggle('long', cell.textContent.length > LONG_CELL)
  const frame = element('div', 'wide')
  frame.tabIndex = 0
  frame.setAttribute('role', 'region')
  frame.setAttribute('aria-label', 'Table')
  table.replaceWith(frame)
  frame.append(table)
}

const element = <K extends keyof HTMLElementTagNameMap>(name: K, className = ''): HTMLElementTagNameMap[K] => {
  const made = document.createElement(name)
  if (className) made.className = className
  return made
}
