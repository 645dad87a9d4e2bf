/** When the pieces of a reply are written to the log. */
import { describe, expect, it } from 'vitest'
import { bundleLimits, decideBundle } from './bundle.ts'

const gathered = { deltas: 1, since: 1000, waited: false, first: false, inFlight: false }

describe('deciding when a bundle is written', () => {
  it('writes the first delta at once', () => {
    expect(decideBundle({ ...gathered, first: true }, 1000)).toEqual({ kind: 'write' })
  })

  it('waits until the oldest delta has waited for 40 ms', () => {
    expect(decideBundle(gathered, 1000)).toEqual({ kind: 'wait', ms: 40 })
    expect(decideBundle(gathered, 1039)).toEqual({ kind: 'wait', ms: 1 })
    expect(decideBundle(gathered, 1040)).toEqual({ kind: 'write' })
  })

  it('writes 20 deltas at once', () => {
    expect(decideBundle({ ...gathered, deltas: bundleLimits.deltas - 1 }, 1000).kind).toBe('wait')
    expect(decideBundle({ ...gathered, deltas: bundleLimits.deltas }, 1000).kind).toBe('write')
  })

  it('does nothing without deltas, and nothing while a bundle is in flight', () => {
    expect(decideBundle({ ...gathered, deltas: 0, first: true }, 9999)).toEqual({ kind: 'idle' })
    expect(decideBundle({ ...gathered, deltas: 500, inFlight: true }, 9999)).toEqual({ kind: 'idle' })
  })

  it('never holds a delta for longer than one bundle, even when the clock steps back', () => {
    expect(decideBundle(gathered, 0)).toEqual({ kind: 'wait', ms: 40 })
    expect(decideBundle({ ...gathered, waited: true }, 0)).toEqual({ kind: 'write' })
  })
})
