/** What a browser keeps as `localStorage` or `sessionStorage`: the keys are its own, the methods those of all. */
const methods = {
  getItem(this: Record<string, string>, key: string) { return this[key] ?? null },
  setItem(this: Record<string, string>, key: string, value: string) { this[key] = value },
  removeItem(this: Record<string, string>, key: string) { delete this[key] },
}

export const pageStorage = (entries: Record<string, string> = {}): Storage => Object.assign(Object.create(methods) as Storage, entries)
