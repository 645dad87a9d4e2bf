/**
 * Spans by the OpenTelemetry SDK, exported as OTLP over HTTP. To be imported only where traces are wanted: it takes 12 MB of memory.
 * Nothing is registered globally, so an application that embeds the server keeps its own telemetry as it is.
 */
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { Span as OpenSpan, Tracer } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, RandomIdGenerator, TracerProvider } from '@opentelemetry/sdk-trace'
import type { IdGenerator, SpanExporter } from '@opentelemetry/sdk-trace'
import type { RunId } from '../../shared/ids.ts'
import type { Timers } from '../../shared/timers.ts'
import type { Logger } from './port.ts'
import type { Span, SpanAttributes, Tracing, TracingConfig } from './tracing-port.ts'

export interface OpenTelemetryOptions extends TracingConfig {
  version: string
  logger: Pick<Logger, 'info' | 'warn'>
  after: Timers['after']
}

/** A server that stops does not wait any longer for a collector that does not answer (milliseconds). */
const CLOSE_WITHIN_MS = 2_000

export const createOpenTelemetry = ({ url, withContent, version, logger, after }: OpenTelemetryOptions): Tracing => {
  const ids = new RunTraceIds()
  const provider = new TracerProvider({
    // `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` say more, or otherwise.
    resource: resourceFromAttributes({ 'service.name': 'skein', 'service.version': version }).merge(detectResources({ detectors: [envDetector] })),
    idGenerator: ids,
    spanProcessors: [new BatchSpanProcessor({ exporter: telling(new OTLPTraceExporter({ url }), url, logger) })],
  })
  const tracer = provider.getTracer('skein', version)
  return {
    withContent,
    traceIdOf,
    run(runId, name, attributes) {
      ids.next = traceIdOf(runId)
      return spanOf(tracer, tracer.startSpan(name, { root: true, kind: SpanKind.INTERNAL, attributes: given(attributes) }))
    },
    close: () => new Promise(resolve => {
      const cancel = after(CLOSE_WITHIN_MS, resolve)
      const closed = (): void => {
        cancel()
        resolve()
      }
      provider.shutdown().then(closed, closed)
    }),
  }
}

/** A run's id is a digest of 128 bits, as wide as a trace's. */
const traceIdOf = (runId: RunId): string => runId.replaceAll('-', '')

class RunTraceIds implements IdGenerator {
  /** Of the trace that is begun next. */
  next = ''
  readonly #random = new RandomIdGenerator()
  // The SDK calls these without their object.
  readonly generateTraceId = (): string => this.next
  readonly generateSpanId = (): string => this.#random.generateSpanId()
}

const spanOf = (tracer: Tracer, span: OpenSpan): Span => ({
  set: attributes => void span.setAttributes(given(attributes)),
  call: (name, attributes) =>
    spanOf(tracer, tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes: given(attributes) }, trace.setSpan(ROOT_CONTEXT, span))),
  end(errorType) {
    if (errorType !== undefined) span.setAttribute('error.type', errorType).setStatus({ code: SpanStatusCode.ERROR })
    span.end()
  },
})

const given = (attributes: SpanAttributes) =>
  Object.fromEntries(Object.entries(attributes)
    .flatMap(([name, value]) => value === undefined ? [] : [[name, typeof value === 'object' ? [...value] : value]]))

/** The SDK keeps to itself that nobody takes its spans, or says so where nobody looks. The operator is told once, and when it is over. */
const telling = (exporter: SpanExporter, url: string, logger: OpenTelemetryOptions['logger']): SpanExporter => {
  let lost = 0
  return {
    export: (spans, done) => exporter.export(spans, ({ code, error }) => {
      if (code === 0 && lost > 0) logger.info({ url, lost }, 'traces are exported again')
      else if (code !== 0 && lost === 0) logger.warn({ url, err: error }, 'traces are not exported, and lost until they are')
      lost = code === 0 ? 0 : lost + spans.length
      done({ code: 0 })
    }),
    forceFlush: async () => exporter.forceFlush?.(),
    shutdown: () => exporter.shutdown(),
  }
}
