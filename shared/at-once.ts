/** How many of something each holder has open at once. */
export class AtOnce<Holder> {
  readonly #open = new Map<Holder, number>()

  /** @returns gives it back, once; null: the holder has as many as there may be */
  take(holder: Holder, most: number): (() => void) | null {
    const open = this.#open.get(holder) ?? 0
    if (open >= most) return null
    this.#open.set(holder, open + 1)
    return () => {
      const left = this.#open.get(holder)! - 1
      if (left > 0) this.#open.set(holder, left)
      else this.#open.delete(holder)
    }
  }
}
