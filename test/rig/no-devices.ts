/** Nobody has become anybody and no device was ever noted: for tests of guests that are about neither. */
import type { Aliases } from '../../server/identity/aliases-port.ts'
import type { DeviceStore } from '../../server/identity/devices-port.ts'

export const nobodyBecameAnybody: Pick<Aliases, 'personOf' | 'aliasesOf' | 'forget'> = {
  personOf: async () => null, aliasesOf: async () => [], forget: async () => {}
}

export const noDevices: DeviceStore = {
  list: async () => [], put: async () => {}, turnAway: async () => {}, wasTurnedAway: () => false, forget: async () => {}
}
