/** Which edits the server has, by the numbers that it acknowledges. */
import { describe, expect, it } from 'vitest'
import { countAck, hasUnsaved, startCounting } from './ack-counter.ts'
import type { AckEvent } from './ack-counter.ts'

const after = (events: AckEvent[], unsent = false) => events.reduce(countAck, startCounting(unsent))

const edited: AckEvent = { type: 'edited' }
const opened: AckEvent = { type: 'opened' }
const closed: AckEvent = { type: 'closed' }
const step2: AckEvent = { type: 'sent', frame: 'step2' }
const update: AckEvent = { type: 'sent', frame: 'update' }
const acknowledged = (frames: number): AckEvent => ({ type: 'acknowledged', frames })

describe('counting acknowledgements', () => {
  it('calls an edit made offline saved when the first step 2 is acknowledged', () => {
    const sent = [edited, edited, opened, step2]
    expect(hasUnsaved(after(sent))).toBe(true)
    expect(hasUnsaved(after([...sent, acknowledged(1)]))).toBe(false)
  })

  it('does not take the acknowledgement of an update sent before step 2 for an edit made offline', () => {
    const state = after([edited, opened, edited, update, acknowledged(1)])
    expect(state).toMatchObject({ edits: 2, saved: 0 })
  })

  it('waits with an edit typed before step 2 for that step 2', () => {
    const state = after([opened, edited, update, step2, acknowledged(1)])
    expect(state.saved).toBe(0)
    expect(countAck(state, acknowledged(2)).saved).toBe(1)
  })

  it('saves each edit with its own frame once step 2 is out', () => {
    const state = after([opened, step2, acknowledged(1), edited, update, edited, update, acknowledged(2)])
    expect(state).toMatchObject({ edits: 2, saved: 1 })
    expect(hasUnsaved(countAck(state, acknowledged(3)))).toBe(false)
  })

  it('takes one acknowledgement for all frames up to its number', () => {
    expect(hasUnsaved(after([opened, step2, edited, update, edited, update, acknowledged(3)]))).toBe(false)
  })

  it('forgets the frames of a socket that closed: its edits wait for the next one', () => {
    const state = after([opened, step2, edited, update, closed, acknowledged(2)])
    expect(hasUnsaved(state)).toBe(true)
    expect(hasUnsaved(after([opened, step2, edited, update, closed, opened, step2, acknowledged(1)]))).toBe(false)
  })

  it('counts nothing that was sent without an open socket', () => {
    expect(after([edited, update])).toMatchObject({ edits: 1, saved: 0, socket: null })
  })

  it('does not know whether what an earlier visit left is saved until the server said so', () => {
    expect(hasUnsaved(after([opened], true))).toBe(true)
    expect(hasUnsaved(after([opened, step2, acknowledged(1)], true))).toBe(false)
  })
})
