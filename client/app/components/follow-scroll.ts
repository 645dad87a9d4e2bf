/** Keeps a scroller at its end while its content grows, for as long as the person has not scrolled away from the end. */

/** Pixels from the end that still count as being there. */
const NEAR = 48
/** Milliseconds after a wheel, a touch or a key in which a move upwards is the person's doing, whatever the content does. */
const HANDS_ON = 250

const HANDS = ['wheel', 'touchmove', 'keydown', 'pointerdown'] as const

export class FollowScroll {
  readonly #tell: (following: boolean) => void
  #scroller: HTMLElement | null = null
  #following = true
  #lastTop = 0
  #lastHeight = 0
  #handsAt = -Infinity

  /** @param tell called when the person leaves the end or comes back to it */
  constructor(tell: (following: boolean) => void) {
    this.#tell = tell
  }

  /** @returns how to stop */
  attach(scroller: HTMLElement, content: HTMLElement): () => void {
    this.#scroller = scroller
    const onScroll = (event: Event) => this.#scrolled(scroller, event.timeStamp)
    const onHands = (event: Event) => { this.#handsAt = event.timeStamp }
    const observer = new ResizeObserver(() => this.#settle())
    scroller.addEventListener('scroll', onScroll, { passive: true })
    for (const hand of HANDS) scroller.addEventListener(hand, onHands, { passive: true })
    observer.observe(content)
    observer.observe(scroller)
    this.#settle()
    return () => {
      scroller.removeEventListener('scroll', onScroll)
      for (const hand of HANDS) scroller.removeEventListener(hand, onHands)
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
    const scroller = this.#scroller
    if (!scroller) return
    this.#lastHeight = scroller.scrollHeight
    if (this.#following) this.#lastTop = scroller.scrollTop = scroller.scrollHeight
  }

  #scrolled(scroller: HTMLElement, at: number): void {
    const fromEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight
    // Content that grows moves the end away without any scrolling, and content that shrinks scrolls by itself (half a table becomes a
    // table): only a move upwards over content that stays, or by hand, is the person leaving.
    const byHand = scroller.scrollHeight === this.#lastHeight || at - this.#handsAt < HANDS_ON
    if (fromEnd <= NEAR) this.#set(true)
    else if (byHand && scroller.scrollTop < this.#lastTop - 1) this.#set(false)
    this.#lastTop = scroller.scrollTop
  }

  #set(following: boolean): void {
    if (this.#following === following) return
    this.#following = following
    this.#tell(following)
  }
}
