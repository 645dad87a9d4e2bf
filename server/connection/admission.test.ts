/** Who may open how many connections, and how fast. */
import { describe, expect, it } from 'vitest'
import { serverLimits } from '../../shared/limits.ts'
import { Admission } from './admission.ts'

const admission = (limits: Partial<typeof serverLimits>) => {
  const clock = { now: 0 }
  return { clock, admission: new Admission({ ...serverLimits, ...limits }, () => clock.now) }
}

describe('admission', () => {
  it('bounds how fast one address connects, and no other', () => {
    const { clock, admission: it } = admission({ connectsPerSecondPerAddress: 2 })
    for (let i = 0; i < 20; i++) expect(it.mayConnect('192.0.2.1')).toBe(true)
    expect(it.mayConnect('192.0.2.1')).toBe(false)
    expect(it.mayConnect('192.0.2.2')).toBe(true)
    clock.now += 500
    expect([it.mayConnect('192.0.2.1'), it.mayConnect('192.0.2.1')]).toEqual([true, false])
  })

  it('bounds how fast one person connects, and nobody else', () => {
    const { admission: it } = admission({ connectsPerSecondPerPerson: 1 })
    for (let i = 0; i < 10; i++) expect(it.enter('ada')).not.toBeNull()
    expect(it.enter('ada')).toBeNull()
    expect(it.enter('bob')).not.toBeNull()
  })

  it('bounds how many connections one person has, until one of them ends', () => {
    const { admission: it } = admission({ connectionsPerPerson: 2 })
    const leave = it.enter('ada')!
    expect(it.enter('ada')).not.toBeNull()
    expect(it.enter('ada')).toBeNull()
    leave()
    expect(it.enter('ada')).not.toBeNull()
    expect(it.enter('ada')).toBeNull()
  })
})
