/** Keeps a scroller at its end while its content grows, for as long as the person has not scrolled away from the end. */

/** Pixels from the end that still count as being there. */
const NEAR = 48

export class FollowScroll {
  readonly #tell: (following: boolean) => void
  #scroller: HTMLElement | null = null
  #following = true
  #lastTop = 0

  /** @param tell called when the person leaves the end or comes back to it */
  constructor(tell: (following: boolean) => void) {
    this.#tell = tell
  }

  /** @returns how to stop */
  attach(scroller: HTMLElement, content: HTMLElement): () => void {
    this.#scroller = scroller
    const onScroll = () => this.#scrolled(scroller)
    const observer = new ResizeObserver(() => this.#settle())
    scroller.addEventListener('scroll', onScroll, { passive: true })
    observer.observe(content)
    observer.observe(scroller)
    this.#settle()
    return () => {
      scroller.removeEventListener('scroll', onScroll)
      observer.disconnect()
      this.#scroller = null
    }
  }

  toEnd(): void {
    this.#set(true)
    this.#settle()
  }

  /** Runs a change that adds content above, and leaves what the person looks at where it is. */
  async keepPlace(change: () => Promise<void>): Promise<void> {
    const scroller = this.#scroller
    const fromEnd = scroller ? scroller.scrollHeight - scroller.scrollTop : 0
    this.#set(false)
    await change()
    if (scroller) this.#lastTop = scroller.scrollTop = scroller.scrollHeight - fromEnd
  }

  #settle(): void {
    if (this.#following && this.#scroller) this.#lastTop = this.#scroller.scrollTop = this.#scroller.scrollHeight
  }

  #scrolled(scroller: HTMLElement): void {
    const fromEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight
    // Content that grows moves the end away without any scrolling: only a move upwards is the person leaving.
    if (fromEnd <= NEAR) this.#set(true)
    else if (scroller.scrollTop < this.#lastTop - 1) this.#set(false)
    this.#lastTop = scroller.scrollTop
  }

  #set(following: boolean): void {
    if (this.#following === following) return
    this.#following = following
    this.#tell(following)
  }
}
