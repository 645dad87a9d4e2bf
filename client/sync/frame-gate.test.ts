/** What holds a connection's frames back, and what lets them go. */
import { expect, it } from 'vitest'
import { FrameGate, NOTE_WITHIN } from './frame-gate.ts'
import { ManualTime } from '../../test/rig/manual-time.ts'

const isOpen = (gate: FrameGate): boolean => gate.first === null

it('opens when the lineage is agreed on, for each connection anew', async () => {
  const gate = new FrameGate(new ManualTime().after)
  const first = gate.first
  gate.begin()
  gate.agree()
  await first
  expect(isOpen(gate)).toBe(true)
  gate.begin()
  expect(isOpen(gate)).toBe(false)
})

it('stays shut until all is noted', async () => {
  const time = new ManualTime()
  const gate = new FrameGate(time.after)
  const [one, two] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  gate.hold(one.promise)
  gate.agree()
  gate.hold(two.promise)
  one.resolve()
  await time.advance(0)
  expect(isOpen(gate)).toBe(false)
  two.resolve()
  await gate.first
  expect(isOpen(gate)).toBe(true)
  expect(time.pending).toBe(0)
})

it('holds nothing back for a storage that fails, or that does neither write nor fail', async () => {
  const time = new ManualTime()
  const gate = new FrameGate(time.after)
  const never = new Promise<void>(() => {})
  gate.agree()
  gate.hold(never)
  gate.release()
  expect(isOpen(gate)).toBe(true)
  gate.hold(never)
  await time.advance(NOTE_WITHIN - 1)
  expect(isOpen(gate)).toBe(false)
  await time.advance(1)
  expect(isOpen(gate)).toBe(true)
})
