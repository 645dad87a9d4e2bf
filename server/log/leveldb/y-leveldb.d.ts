/** What we use of y-leveldb: its package names its types where the resolver does not look for them. */
declare module 'y-leveldb' {
  import type * as Y from 'yjs'

  export const keyEncoding: {
    encode: (key: (string | number)[]) => Buffer
    decode: (bytes: Uint8Array) => (string | number)[]
  }

  export class LeveldbPersistence {
    constructor(location: string)
    getYDoc(name: string): Promise<Y.Doc>
    getStateVector(name: string): Promise<Uint8Array>
    getDiff(name: string, stateVector: Uint8Array): Promise<Uint8Array>
    storeUpdate(name: string, update: Uint8Array): Promise<number>
    flushDocument(name: string): Promise<void>
    clearDocument(name: string): Promise<void>
    setMeta(name: string, key: string, value: unknown): Promise<void>
    getMeta(name: string, key: string): Promise<unknown>
    getAllDocNames(): Promise<string[]>
    destroy(): Promise<void>
  }
}
