/** A person's devices, and all that is kept of them, as the app needs it. */
import { createAsk, nothing, post, withBody } from './ask.ts'
import * as schemas from '../../shared/api/device-schemas.ts'
import type { AskedDevice, CollectedDevice, Device, DeviceLink, NewDeviceLink } from '../../shared/api/device-schemas.ts'
import { routes } from '../../shared/api/routes.ts'

/** Methods reject with SkeinError: with the server's code, or `unavailable` where it cannot be reached. */
export interface DevicesApi {
  list: () => Promise<Device[]>
  turnAway: (id: string) => Promise<void>
  makeLink: () => Promise<NewDeviceLink>
  lookAtLink: (id: string) => Promise<DeviceLink>
  answerLink: (id: string, confirmed: boolean) => Promise<void>
  /** By the new device. */
  ask: (code: string) => Promise<AskedDevice>
  collect: (claim: string) => Promise<CollectedDevice['state']>
  /** @param password where the person has one */
  deleteEverything: (password: string | null) => Promise<void>
  readonly exportAddress: string
}

export const createDevicesApi = ({ origin = '', fetch: send = fetch }: { origin?: string, fetch?: typeof fetch } = {}): DevicesApi => {
  const ask = createAsk(origin, send)
  const tell = async (path: string, init: RequestInit): Promise<void> => void await ask(nothing, path, init)
  return {
    list: async () => (await ask(schemas.devices, routes.devices())).devices,
    turnAway: id => tell(routes.device(id), { method: 'DELETE' }),
    makeLink: () => ask(schemas.newDeviceLink, routes.deviceLinks(), post({})),
    lookAtLink: id => ask(schemas.deviceLink, routes.deviceLink(id)),
    answerLink: (id, confirmed) => confirmed
      ? tell(routes.confirmDeviceLink(id), post({}))
      : tell(routes.deviceLink(id), { method: 'DELETE' }),
    ask: code => ask(schemas.askedDevice, routes.askForDevice(), post({ code })),
    collect: async claim => (await ask(schemas.collectedDevice, routes.collectDevice(), post({ claim }))).state,
    deleteEverything: password => tell(routes.me(), withBody('DELETE', { confirm: 'delete', ...password !== null && { password } })),
    exportAddress: origin + routes.exportMe()
  }
}
