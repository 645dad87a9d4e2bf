/** The current route, kept in step with the address bar by the History API. */
import { parseRoute } from './route.ts'
import type { Route } from './route.ts'

export class Router {
  readonly #window: Window
  current: Route = $state.raw({ screen: 'home' })

  constructor(window: Window) {
    this.#window = window
    this.#read()
  }

  /** Follows links and the back button. @returns how to stop */
  start(): () => void {
    const read = () => this.#read()
    const follow = (event: MouseEvent) => this.#follow(event)
    this.#window.addEventListener('popstate', read)
    this.#window.document.addEventListener('click', follow)
    return () => {
      this.#window.removeEventListener('popstate', read)
      this.#window.document.removeEventListener('click', follow)
    }
  }

  /** @param replace the page that is left does not stay in the history */
  go(path: string, { replace = false } = {}): void {
    if (path === this.#window.location.pathname) return
    if (replace) this.#window.history.replaceState(null, '', path)
    else this.#window.history.pushState(null, '', path)
    this.#read()
  }

  /**
   * What a page was for is done, and another one takes its place, unless the person has gone on by themselves meanwhile.
   * @param from {@link current} when it began
   */
  moveOn(from: Route, path: string): void {
    if (this.current === from) this.go(path, { replace: true })
  }

  #read(): void {
    this.current = parseRoute(this.#window.location.pathname, this.#window.location.hash)
  }

  /** A plain click on a link of ours changes the route; with a modifier, or elsewhere, the browser does what it always does. */
  #follow(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    const link = event.target instanceof Element ? event.target.closest('a') : null
    if (!link || link.target || link.hasAttribute('download') || link.origin !== this.#window.location.origin) return
    if (parseRoute(link.pathname).screen === 'unknown') return
    event.preventDefault()
    this.go(link.pathname)
  }
}
