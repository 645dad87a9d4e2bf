/** The rows of the table, in its order. */
import { abuses } from './abuse.ts'
import { appends } from './appends.ts'
import { coldOpen } from './cold-open.ts'
import { compaction } from './compaction.ts'
import { fanOut100, fanOut500, fanOutSlow } from './fan-out.ts'
import { joins } from './joins.ts'
import { kill } from './kill.ts'
import { long } from './long.ts'
import { maximum } from './maximum.ts'
import { hour, idle, opened } from './memory.ts'
import { presence } from './presence.ts'
import { replies, runs } from './replies.ts'
import { rooms } from './rooms.ts'
import { stop } from './stop.ts'
import { storm } from './storm.ts'
import type { Workload } from './workload.ts'

export const workloads: Record<string, Workload> = {
  rooms,
  maximum,
  'fan-out-100': fanOut100,
  'fan-out-500': fanOut500,
  'fan-out-slow': fanOutSlow,
  'cold-open': coldOpen,
  compaction,
  joins,
  appends,
  idle,
  storm,
  kill,
  long,
  presence,
  hour,
  opened,
  'reply-100': replies,
  'runs-100': runs,
  stop,
  ...abuses,
}
