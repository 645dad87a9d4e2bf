/** What a person may do within an hour. */
import { describe, expect, it } from 'vitest'
import type { UserId } from '../../shared/ids.ts'
import { HourlyBudget } from './budget.ts'

const [ada, bob] = ['ada' as UserId, 'bob' as UserId]

describe('an hourly budget', () => {
  it('is spent by each person by themselves, and a refused expense costs nothing', () => {
    const budget = new HourlyBudget(10)
    expect(budget.spend(ada, 8, 0)).toBe(true)
    expect(budget.spend(ada, 3, 0)).toBe(false)
    expect(budget.spend(ada, 2, 0)).toBe(true)
    expect(budget.spend(bob, 10, 0)).toBe(true)
  })

  it('comes back evenly, and never more than an hour\'s worth', () => {
    const budget = new HourlyBudget(10)
    budget.spend(ada, 10, 0)
    expect(budget.spend(ada, 5, 1_800_000)).toBe(true)
    expect(budget.spend(ada, 1, 1_800_000)).toBe(false)
    expect(budget.spend(ada, 11, 90_000_000)).toBe(false)
    expect(budget.spend(ada, 10, 90_000_000)).toBe(true)
  })

  it('gives nothing for a clock that steps back, and forgets who has rested', () => {
    const budget = new HourlyBudget(10)
    budget.spend(ada, 10, 5_000_000)
    expect(budget.spend(ada, 1, 0)).toBe(false)
    budget.prune(9_000_000)
    expect(budget.size).toBe(0)
  })
})
