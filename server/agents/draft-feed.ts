/** Carries an agent's deltas into its draft in bundles, one at a time: what arrives while one becomes durable gathers for the next. */
import { bundleLimits, decideBundle } from './bundle.ts'
import type { SourcePart } from '../../shared/conversation/schema.ts'
import type { Timers } from '../../shared/timers.ts'

export interface TextDelta {
  type: 'text' | 'reasoning'
  text: string
}

export type Delta = TextDelta | SourcePart

export interface DraftFeed {
  push(delta: Delta): void
  /** Resolves when there is room for more: at once, unless the disk is far behind the model. */
  ready(): Promise<void>
  /** Ends the feed and waits for the bundle in flight. @returns the deltas that no bundle has taken; the seal writes them */
  close(): Promise<Delta[]>
}

export interface DraftFeedPorts {
  /** One durable write of these deltas; a rejection ends the feed. */
  write(deltas: readonly Delta[]): Promise<void>
  /** A write was rejected: what was given since then is in no record. */
  onFailure(error: unknown): void
  now(): number
  timers: Timers
}

export const createDraftFeed = ({ write, onFailure, now, timers }: DraftFeedPorts): DraftFeed => {
  let gathered: Delta[] = []
  let count = 0
  let length = 0
  let since = 0
  let first = true
  let closed = false
  let inFlight: Promise<void> | null = null
  let cancelTimer: (() => void) | null = null

  const pump = (waited = false): void => {
    cancelTimer?.()
    cancelTimer = null
    if (closed) return
    const decision = decideBundle({ deltas: count, since, waited, first, inFlight: inFlight !== null }, now())
    switch (decision.kind) {
      case 'idle':
        return
      case 'wait':
        cancelTimer = timers.after(decision.ms, () => pump(true))
        return
      case 'write':
        send()
    }
  }

  const send = (): void => {
    const { whole, rest } = splitWhole(gathered)
    gathered = rest
    count = 0
    length = 0
    if (whole.length === 0) return
    first = false
    inFlight = write(whole).then(() => {
      inFlight = null
      pump()
    }, (error: unknown) => {
      inFlight = null
      closed = true
      onFailure(error)
    })
  }

  return {
    push(delta) {
      if (closed || isEmpty(delta)) return
      if (count === 0) since = now()
      count++
      length += lengthOf(delta)
      gathered = append(gathered, delta)
      pump()
    },
    async ready() {
      while (!closed && inFlight && (length >= bundleLimits.gatheredLength || count >= bundleLimits.gatheredDeltas)) await inFlight
    },
    async close() {
      closed = true
      cancelTimer?.()
      cancelTimer = null
      await inFlight
      return gathered.map(wellFormed)
    }
  }
}

/** Neighbours of one type become one insert: the document then holds one run of text, not one item per token. */
const append = (deltas: Delta[], delta: Delta): Delta[] => {
  const last = deltas.at(-1)
  if (isText(delta) && last && isText(last) && last.type === delta.type) last.text += delta.text
  else deltas.push({ ...delta })
  return deltas
}

/** A model may cut a character between two deltas; half of a surrogate pair would be stored as U+FFFD, so it waits for its other half. */
const splitWhole = (deltas: Delta[]): { whole: Delta[], rest: Delta[] } => {
  const last = deltas.at(-1)
  if (!last || !isText(last) || !/[\uD800-\uDBFF]$/.test(last.text)) return { whole: deltas.map(wellFormed), rest: [] }
  const whole = [...deltas.slice(0, -1), { type: last.type, text: last.text.slice(0, -1) }]
  return { whole: whole.filter(delta => !isEmpty(delta)).map(wellFormed), rest: [{ type: last.type, text: last.text.slice(-1) }] }
}

/** A half that never got its other half becomes U+FFFD here already: else the live document would differ from what its update encodes. */
const wellFormed = (delta: Delta): Delta => isText(delta) ? { type: delta.type, text: delta.text.toWellFormed() } : wellFormedSource(delta)

const wellFormedSource = ({ type, sourceId, url, title }: SourcePart): SourcePart =>
  ({ type, sourceId: sourceId.toWellFormed(), url: url.toWellFormed(), ...title !== undefined && { title: title.toWellFormed() } })

const isText = (delta: Delta): delta is TextDelta => delta.type !== 'source-url'
const isEmpty = (delta: Delta): boolean => isText(delta) && delta.text === ''
const lengthOf = (delta: Delta): number => isText(delta) ? delta.text.length : delta.url.length
