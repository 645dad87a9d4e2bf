/** Matched encode/decode of {@link Frame}. Decoding is total: any bytes give a frame or `null`, never a throw. */
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { isErrorCode } from '../errors.ts'
import { parseRequestId } from '../ids.ts'
import { controlType, frameType, syncType } from './frame.ts'
import type { Control, Frame, Hello, RequestOutcome, Role } from './frame.ts'

export const encodeFrame = (frame: Frame): Uint8Array => {
  const encoder = encoding.createEncoder()
  switch (frame.type) {
    case 'sync-step-1':
      return encodeSync(syncType.step1, frame.stateVector)
    case 'sync-step-2':
      return encodeSync(syncType.step2, frame.update)
    case 'update':
      return encodeSync(syncType.update, frame.update)
    case 'awareness':
      encoding.writeVarUint(encoder, frameType.awareness)
      encoding.writeVarUint8Array(encoder, frame.update)
      break
    case 'auth':
      encoding.writeVarUint(encoder, frameType.auth)
      encoding.writeVarUint(encoder, 0)
      encoding.writeVarString(encoder, frame.reason)
      break
    case 'query-awareness':
      encoding.writeVarUint(encoder, frameType.queryAwareness)
      break
    case 'control':
      encoding.writeVarUint(encoder, frameType.control)
      writeControl(encoder, frame.control)
      break
  }
  return encoding.toUint8Array(encoder)
}

/** @returns the frame, or null when the bytes are none (unknown type, cut short, bytes left over) */
export const decodeFrame = (bytes: Uint8Array): Frame | null => {
  try {
    const decoder = decoding.createDecoder(bytes)
    const frame = readFrame(decoder)
    return decoding.hasContent(decoder) ? null : frame
  } catch {
    return null // lib0 throws on bytes that end too early; that is the answer "no frame"
  }
}

/** Reads what follows the outer type 100; y-websocket hands its message handlers a decoder that stands there. */
export const decodeControl = (decoder: decoding.Decoder): Control | null => {
  try {
    const control = readControl(decoder)
    return decoding.hasContent(decoder) ? null : control
  } catch {
    return null // as in decodeFrame
  }
}

const readFrame = (decoder: decoding.Decoder): Frame | null => {
  switch (decoding.readVarUint(decoder)) {
    case frameType.sync:
      return readSync(decoder)
    case frameType.awareness:
      return { type: 'awareness', update: decoding.readVarUint8Array(decoder) }
    case frameType.auth:
      return decoding.readVarUint(decoder) === 0 ? { type: 'auth', reason: decoding.readVarString(decoder) } : null
    case frameType.queryAwareness:
      return { type: 'query-awareness' }
    case frameType.control: {
      const control = readControl(decoder)
      return control && { type: 'control', control }
    }
    default:
      return null
  }
}

/** Whole documents travel in these: an encoder that grows would copy them several times. */
const encodeSync = (type: number, bytes: Uint8Array): Uint8Array => {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, frameType.sync)
  encoding.writeVarUint(encoder, type)
  encoding.writeVarUint(encoder, bytes.length)
  const head = encoding.toUint8Array(encoder)
  const frame = new Uint8Array(head.length + bytes.length)
  frame.set(head)
  frame.set(bytes, head.length)
  return frame
}

const readSync = (decoder: decoding.Decoder): Frame | null => {
  const type = decoding.readVarUint(decoder)
  const bytes = decoding.readVarUint8Array(decoder)
  switch (type) {
    case syncType.step1:
      return { type: 'sync-step-1', stateVector: bytes }
    case syncType.step2:
      return { type: 'sync-step-2', update: bytes }
    case syncType.update:
      return { type: 'update', update: bytes }
    default:
      return null
  }
}

const writeControl = (encoder: encoding.Encoder, control: Control): void => {
  encoding.writeVarUint(encoder, controlType[control.kind])
  switch (control.kind) {
    case 'hello': {
      const { kind: _, ...fields } = control
      encoding.writeVarString(encoder, JSON.stringify(fields))
      break
    }
    case 'saved':
      encoding.writeVarUint(encoder, control.frames)
      break
    case 'result':
      encoding.writeVarString(encoder, control.requestId)
      encoding.writeVarUint(encoder, control.outcome.status === 'accepted' ? 0 : 1)
      if (control.outcome.status === 'refused') writeRefusal(encoder, control.outcome)
      break
    case 'refused':
      encoding.writeVarUint(encoder, control.frame)
      writeRefusal(encoder, control)
      break
    case 'draining':
      encoding.writeVarUint(encoder, control.afterMs)
      break
    case 'role':
      encoding.writeVarString(encoder, control.role ?? '')
      encoding.writeVarString(encoder, control.userId)
      break
  }
}

const readControl = (decoder: decoding.Decoder): Control | null => {
  switch (decoding.readVarUint(decoder)) {
    case controlType.hello:
      return readHello(decoding.readVarString(decoder))
    case controlType.saved:
      return { kind: 'saved', frames: decoding.readVarUint(decoder) }
    case controlType.result: {
      const requestId = parseRequestId(decoding.readVarString(decoder))
      const outcome = readOutcome(decoder)
      return requestId && outcome && { kind: 'result', requestId, outcome }
    }
    case controlType.refused: {
      const frame = decoding.readVarUint(decoder)
      const refusal = readRefusal(decoder)
      return refusal && { kind: 'refused', frame, ...refusal }
    }
    case controlType.draining:
      return { kind: 'draining', afterMs: decoding.readVarUint(decoder) }
    case controlType.role: {
      const role = decoding.readVarString(decoder)
      const userId = decoding.readVarString(decoder)
      return role === '' || isRole(role) ? { kind: 'role', role: role === '' ? null : role, userId } : null
    }
    default:
      return null
  }
}

const readHello = (json: string): Hello | null => {
  const value: unknown = JSON.parse(json)
  if (typeof value !== 'object' || value === null) return null
  const { epoch, continues, role, userId, schema, limits } = value as Partial<Record<keyof Hello, unknown>>
  if (typeof epoch !== 'string' || typeof userId !== 'string' || typeof schema !== 'number') return null
  if (!isRole(role)) return null
  if (typeof limits !== 'object' || limits === null) return null
  const { frameBytes, messageBytes } = limits as Partial<Record<keyof Hello['limits'], unknown>>
  if (typeof frameBytes !== 'number' || typeof messageBytes !== 'number') return null
  const earlier = Array.isArray(continues) ? continues.filter(each => typeof each === 'string') : []
  return { kind: 'hello', epoch, ...earlier.length > 0 && { continues: earlier }, role, userId, schema, limits: { frameBytes, messageBytes } }
}

const isRole = (value: unknown): value is Role => value === 'owner' || value === 'editor' || value === 'viewer'

const readOutcome = (decoder: decoding.Decoder): RequestOutcome | null => {
  switch (decoding.readVarUint(decoder)) {
    case 0:
      return { status: 'accepted' }
    case 1: {
      const refusal = readRefusal(decoder)
      return refusal && { status: 'refused', ...refusal }
    }
    default:
      return null
  }
}

const writeRefusal = (encoder: encoding.Encoder, refusal: { code: string, reason: string }): void => {
  encoding.writeVarString(encoder, refusal.code)
  encoding.writeVarString(encoder, refusal.reason)
}

/** A code from a newer server is kept as `internal`, with its reason. */
const readRefusal = (decoder: decoding.Decoder) => {
  const code = decoding.readVarString(decoder)
  return { code: isErrorCode(code) ? code : 'internal' as const, reason: decoding.readVarString(decoder) }
}
