/**
 * What the server's parts need of tracing: a span of each run, and within it one of each call of a model. Attributes are those of
 * OpenTelemetry's conventions for generative AI (`gen_ai.*`), and `skein.*` for what has no name there.
 */
import type { RunId } from '../../shared/ids.ts'

export interface TracingConfig {
  /** Where spans go, as OTLP over HTTP. */
  url: string
  /** See {@link Tracing.withContent}. */
  withContent: boolean
}

export type SpanAttributes = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>

export interface Span {
  set(attributes: SpanAttributes): void
  /** A span within this one, of a call that leaves this process. */
  call(name: string, attributes: SpanAttributes): Span
  /** @param errorType why it failed, in a word that many failures share; left out when it did not */
  end(errorType?: string): void
}

export interface Tracing {
  /** What people and models say may stand in spans, too. */
  readonly withContent: boolean
  /** All spans of a run stand in one trace, also those of the process that goes on with it after a crash. */
  traceIdOf(runId: RunId): string
  /** @param name of the span */
  run(runId: RunId, name: string, attributes: SpanAttributes): Span
  /** Exports what is left, and resolves also when nobody takes it. */
  close(): Promise<void>
}
