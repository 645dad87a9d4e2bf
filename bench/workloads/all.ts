/** The rows of the table, in its order. */
import { coldOpen } from './cold-open.ts'
import { fanOut100, fanOut500, fanOutSlow } from './fan-out.ts'
import { kill } from './kill.ts'
import { rooms } from './rooms.ts'
import type { Workload } from './workload.ts'

export const workloads: Record<string, Workload> = {
  rooms,
  'fan-out-100': fanOut100,
  'fan-out-500': fanOut500,
  'fan-out-slow': fanOutSlow,
  'cold-open': coldOpen,
  kill,
}
