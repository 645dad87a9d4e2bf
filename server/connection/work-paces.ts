/** How much work everybody's updates may be: one pace for all connections of a person, so that nobody gains by opening more of them. */
import { limits } from '../../shared/limits.ts'
import type { ServerLimits } from '../../shared/limits.ts'
import { Paces } from './pace.ts'

/** Whoever comes back from a long time offline brings it at once. */
const BURST_SECONDS = 20

/** @returns in steps of work; `ofOne`: of one connection, where people are not told apart */
export const workPaces = ({ workPercentPerPerson }: Pick<ServerLimits, 'workPercentPerPerson'>, now: () => number): Paces =>
  new Paces(workPercentPerPerson / 100 * limits.workPerCoreSecond, BURST_SECONDS, now)
