/** Turns HTML of anybody's making into nodes that cannot run, load, submit or disguise anything: an allowlist, kept by DOMPurify. */
import createDOMPurify from 'dompurify'

const LINK = /^(?:https?:\/\/|mailto:)/i
/** None from elsewhere: whoever writes a reply (or what a model was told to) would learn who reads it, and could carry words away. */
const IMAGE = /^data:image\/(?:png|gif|jpeg|webp|avif);/i
const LANGUAGE = /^language-[\w+#.-]{1,32}$/

const TAGS = [
  'p', 'br', 'hr', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'strong', 'b', 'em', 'i', 'del', 's', 'sub', 'sup', 'kbd', 'mark',
  'code', 'pre', 'blockquote', 'ul', 'ol', 'li', 'table', 'thead', 'tbody', 'tr', 'th', 'td', 'a', 'img', '#text'
]
const ATTRIBUTES = ['href', 'title', 'src', 'alt', 'class', 'start', 'align']

type Purifier = ReturnType<typeof createDOMPurify>
let purifier: Purifier | null = null

/** Made on first use: it needs a window. */
const ready = (): Purifier => {
  if (purifier) return purifier
  purifier = createDOMPurify(window)
  purifier.addHook('afterSanitizeAttributes', node => {
    if (node.hasAttribute('class') && !(node.tagName === 'CODE' && LANGUAGE.test(node.className))) node.removeAttribute('class')
    if (node.tagName === 'A') restrictLink(node)
    else node.removeAttribute('href')
    if (node.tagName === 'IMG') restrictImage(node)
    else node.removeAttribute('src')
  })
  return purifier
}

const restrictLink = (node: Element): void => {
  if (!LINK.test(node.getAttribute('href') ?? '')) {
    node.removeAttribute('href')
    return
  }
  node.setAttribute('target', '_blank')
  node.setAttribute('rel', 'noopener noreferrer')
}

const restrictImage = (node: Element): void => {
  if (!IMAGE.test(node.getAttribute('src') ?? '')) node.removeAttribute('src')
  node.setAttribute('loading', 'lazy')
  node.setAttribute('referrerpolicy', 'no-referrer')
}

/** @returns a fragment, not a string: what was checked is what is shown, without a second parse in between */
export const sanitise = (html: string): DocumentFragment => {
  const fragment = ready().sanitize(html, {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ATTRIBUTES,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    RETURN_DOM_FRAGMENT: true
  })
  // A picture that may not be loaded is its words.
  for (const image of fragment.querySelectorAll('img:not([src])')) image.replaceWith(image.getAttribute('alt') || 'picture')
  return fragment
}
