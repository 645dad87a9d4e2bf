/** A real OTLP/HTTP receiver: takes spans as protobuf, as a collector does, and keeps them. Field numbers: opentelemetry-proto 1.x. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'

export interface ReceivedSpan {
  traceId: string
  spanId: string
  /** Empty for the first span of a trace. */
  parentSpanId: string
  name: string
  /** 1 internal, 3 client. */
  kind: number
  startNanos: bigint
  endNanos: bigint
  attributes: Record<string, unknown>
  events: string[]
  /** 0 unset, 1 ok, 2 error. */
  status: number
  statusMessage: string
}

export interface OtlpReceiver {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly endpoint: string
  readonly spans: readonly ReceivedSpan[]
  /** Attributes of the resource of the last spans. */
  readonly resource: Readonly<Record<string, unknown>>
  /** All that arrived, as bytes read as UTF-8: for what must not stand in there. */
  readonly raw: string
  /** Headers of each request. */
  readonly headers: readonly NodeJS.Dict<string | string[]>[]
  /** What it answers from now on; 200 at first, null: nothing. */
  answer(status: number | null): void
  close(): Promise<void>
}

export const startOtlpReceiver = async (): Promise<OtlpReceiver> => {
  const spans: ReceivedSpan[] = []
  const headers: NodeJS.Dict<string | string[]>[] = []
  let resource: Record<string, unknown> = {}
  let raw = ''
  let status: number | null = 200
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      headers.push(request.headers)
      const sent = Buffer.concat(chunks)
      const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent
      if (request.url !== '/v1/traces' || request.headers['content-type'] !== 'application/x-protobuf') status = 404
      if (status === 200) {
        raw += body.toString('utf8')
        for (const resourceSpans of readFields(body).all(1)) {
          resource = attributesOf(resourceSpans.first(1)?.all(1) ?? [])
          for (const scope of resourceSpans.all(2)) spans.push(...scope.all(2).map(spanOf))
        }
      }
      if (status !== null) response.writeHead(status, { 'content-type': 'application/x-protobuf' }).end()
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    headers,
    get resource() { return resource },
    get raw() { return raw },
    answer: next => { status = next },
    close: () => {
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      server.closeAllConnections()
      return closed
    }
  }
}

const spanOf = (fields: Fields): ReceivedSpan => ({
  traceId: fields.bytes(1).toString('hex'),
  spanId: fields.bytes(2).toString('hex'),
  parentSpanId: fields.bytes(4).toString('hex'),
  name: fields.bytes(5).toString('utf8'),
  kind: Number(fields.number(6)),
  startNanos: fields.number(7),
  endNanos: fields.number(8),
  attributes: attributesOf(fields.all(9)),
  events: fields.all(11).map(event => event.bytes(2).toString('utf8')),
  status: Number(fields.first(15)?.number(3) ?? 0n),
  statusMessage: fields.first(15)?.bytes(2).toString('utf8') ?? '',
})

const attributesOf = (keyValues: Fields[]): Record<string, unknown> =>
  Object.fromEntries(keyValues.map(each => [each.bytes(1).toString('utf8'), valueOf(each.first(2))]))

const valueOf = (value: Fields | undefined): unknown => {
  if (!value) return null
  if (value.has(1)) return value.bytes(1).toString('utf8')
  if (value.has(2)) return value.number(2) !== 0n
  if (value.has(3)) return Number(BigInt.asIntN(64, value.number(3)))
  if (value.has(4)) return new DataView(new BigUint64Array([value.number(4)]).buffer).getFloat64(0, true)
  return value.first(5)?.all(1).map(valueOf) ?? null
}

/** One protobuf message: numbers of varints and fixed widths, bytes of everything else. */
interface Fields {
  has(field: number): boolean
  number(field: number): bigint
  bytes(field: number): Buffer
  first(field: number): Fields | undefined
  all(field: number): Fields[]
}

const readFields = (message: Buffer): Fields => {
  const found: { field: number, value: bigint | Buffer }[] = []
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[at++]!
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
  const fixed = (bytes: 4 | 8): bigint => {
    at += bytes
    return bytes === 8 ? message.readBigUInt64LE(at - 8) : BigInt(message.readUInt32LE(at - 4))
  }
  while (at < message.length) {
    const tag = Number(varint())
    const wire = tag & 7
    if (wire === 2) {
      const length = Number(varint())
      found.push({ field: tag >> 3, value: message.subarray(at, at += length) })
    } else found.push({ field: tag >> 3, value: wire === 0 ? varint() : fixed(wire === 1 ? 8 : 4) })
  }
  const valuesOf = (field: number) => found.flatMap(each => each.field === field ? [each.value] : [])
  const messages = (field: number): Fields[] => valuesOf(field).flatMap(value => typeof value === 'bigint' ? [] : [readFields(value)])
  return {
    has: field => valuesOf(field).length > 0,
    number: field => valuesOf(field).find(value => typeof value === 'bigint') ?? 0n,
    bytes: field => valuesOf(field).find(value => typeof value !== 'bigint') ?? Buffer.alloc(0),
    first: field => messages(field)[0],
    all: messages,
  }
}
