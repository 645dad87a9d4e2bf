/** So many a second, and a burst after a quiet time. */
import { describe, expect, it } from 'vitest'
import { Pace } from './pace.ts'

describe('a pace', () => {
  it('lets a burst through, then so many a second', () => {
    let now = 0
    const pace = new Pace(10, 20, () => now)
    for (let i = 0; i < 20; i++) expect(pace.take()).toBe(true)
    expect(pace.take()).toBe(false)
    now += 99
    expect(pace.take()).toBe(false)
    now += 1
    expect([pace.take(), pace.take()]).toEqual([true, false])
    now += 3_600_000
    for (let i = 0; i < 20; i++) expect(pace.take()).toBe(true)
    expect(pace.take()).toBe(false)
  })

  it('says how long to wait for what has come already', () => {
    let now = 0
    const pace = new Pace(10, 2, () => now)
    expect([pace.spend(), pace.spend(), pace.spend(), pace.spend()]).toEqual([0, 0, 100, 200])
    now += 200
    expect(pace.spend()).toBe(100)
  })

  it('is not undone by a clock that is set back', () => {
    let now = 1000
    const pace = new Pace(10, 1, () => now)
    expect(pace.take()).toBe(true)
    now = 0
    expect(pace.take()).toBe(false)
    now = 100
    expect(pace.take()).toBe(true)
  })
})
