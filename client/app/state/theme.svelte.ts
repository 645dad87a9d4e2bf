/** Light or dark: the system's choice, until the person chose; the choice is remembered on this device. */

export type ThemeName = 'light' | 'dark'

const KEY = 'skein.theme'

export class Theme {
  readonly #storage: Pick<Storage, 'getItem' | 'setItem'>
  #system: ThemeName = $state('light')
  #chosen: ThemeName | null = $state(null)
  readonly current: ThemeName = $derived(this.#chosen ?? this.#system)

  constructor(window: Window) {
    this.#storage = window.localStorage
    const dark = window.matchMedia('(prefers-color-scheme: dark)')
    this.#system = dark.matches ? 'dark' : 'light'
    dark.addEventListener('change', () => { this.#system = dark.matches ? 'dark' : 'light' })
    this.#chosen = this.#remembered()
  }

  toggle(): void {
    this.#chosen = this.current === 'dark' ? 'light' : 'dark'
    try {
      this.#storage.setItem(KEY, this.#chosen)
    } catch {
      return // it holds for this page
    }
  }

  #remembered(): ThemeName | null {
    try {
      const value = this.#storage.getItem(KEY)
      return value === 'light' || value === 'dark' ? value : null
    } catch {
      return null
    }
  }
}
