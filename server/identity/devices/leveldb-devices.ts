/** Devices in the log's database: a row each under its person, and a note for each that was turned away. */
import type { UserId } from '../../../shared/ids.ts'
import type { Device, DeviceStore } from '../devices-port.ts'

type Key = (string | number)[]
type Operation = { type: 'put', key: Key, value: Uint8Array } | { type: 'del', key: Key }

/** What this needs of the store that the log keeps open. */
export interface KeyedStore {
  get(key: Key): Promise<Uint8Array | undefined>
  entries(ranges: readonly { gte: Key, lte: Key }[]): Promise<[Key, Uint8Array][][]>
  /** All or nothing; resolves when durable. */
  commit(operations: readonly Operation[]): Promise<void>
}

/** No cookie lasts longer. */
const REMEMBERED_MS = 400 * 24 * 60 * 60 * 1000

const rowKey = (user: UserId, id: string): Key => ['skein', 'device', user, id]
const awayKey = (id: string): Key => ['skein', 'device-away', id]
const under = (...prefix: Key): { gte: Key, lte: Key } => ({ gte: prefix, lte: [...prefix, 0xffffffff] })
const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))
const decode = <T>(value: Uint8Array): T => JSON.parse(new TextDecoder().decode(value)) as T

/** @param now milliseconds since 1970; what was turned away longer ago than any cookie lasts is forgotten */
export const openLevelDbDevices = async (store: KeyedStore, now: () => number): Promise<DeviceStore> => {
  const [notes = []] = await store.entries([under('skein', 'device-away')])
  const isOver = ([, value]: [Key, Uint8Array]): boolean => decode<number>(value) + REMEMBERED_MS < now()
  const away = new Set(notes.filter(note => !isOver(note)).map(([key]) => String(key[2])))
  const over = notes.filter(isOver).map(([key]): Operation => ({ type: 'del', key }))
  if (over.length > 0) await store.commit(over)

  const list = async (user: UserId): Promise<Device[]> => {
    const [rows = []] = await store.entries([under('skein', 'device', user)])
    return rows.map(([key, value]) => ({ id: String(key[3]), ...decode<Omit<Device, 'id'>>(value) }))
  }
  return {
    list,
    put: (user, { id, ...device }) => store.commit([{ type: 'put', key: rowKey(user, id), value: encode(device) }]),
    turnAway: async (user, id, at) => {
      await store.commit([{ type: 'put', key: awayKey(id), value: encode(at) }, { type: 'del', key: rowKey(user, id) }])
      away.add(id)
    },
    wasTurnedAway: id => away.has(id),
    forget: async user => store.commit((await list(user)).map(({ id }) => ({ type: 'del', key: rowKey(user, id) }))),
  }
}
