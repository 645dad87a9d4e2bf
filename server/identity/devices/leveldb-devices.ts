/** Devices in the log's database: a row each under its person, and a note for each that was turned away. */
import type { UserId } from '../../../shared/ids.ts'
import { del, fromJson, putJson, under } from '../../log/store-port.ts'
import type { Key, KeyedStore } from '../../log/store-port.ts'
import type { Device, DeviceStore } from '../devices-port.ts'

/** No cookie lasts longer. */
const REMEMBERED_MS = 400 * 24 * 60 * 60 * 1000

const rowKey = (user: UserId, id: string): Key => ['skein', 'device', user, id]
const awayKey = (id: string): Key => ['skein', 'device-away', id]

/** @param now milliseconds since 1970; what was turned away longer ago than any cookie lasts is forgotten */
export const openLevelDbDevices = async (store: Pick<KeyedStore, 'entries' | 'commit'>, now: () => number): Promise<DeviceStore> => {
  const [notes = []] = await store.entries([under('skein', 'device-away')])
  const isOver = ([, value]: [Key, Uint8Array]): boolean => fromJson<number>(value) + REMEMBERED_MS < now()
  const away = new Set(notes.filter(note => !isOver(note)).map(([key]) => String(key[2])))
  const over = notes.filter(isOver).map(([key]) => del(key))
  if (over.length > 0) await store.commit(over)

  const list = async (user: UserId): Promise<Device[]> => {
    const [rows = []] = await store.entries([under('skein', 'device', user)])
    return rows.map(([key, value]) => ({ id: String(key[3]), ...fromJson<Omit<Device, 'id'>>(value) }))
  }
  return {
    list,
    put: (user, { id, ...device }) => store.commit([putJson(rowKey(user, id), device)]),
    turnAway: async (user, id, at) => {
      await store.commit([putJson(awayKey(id), at), del(rowKey(user, id))])
      away.add(id)
    },
    wasTurnedAway: id => away.has(id),
    forget: async user => store.commit((await list(user)).map(({ id }) => del(rowKey(user, id)))),
  }
}
