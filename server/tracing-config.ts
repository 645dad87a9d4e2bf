/**
 * The part of the environment that is about traces; see config.ts. The names are those that OpenTelemetry gives them, for every program
 * alike: `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_EXPORTER_OTLP_TIMEOUT`, `OTEL_SERVICE_NAME` and others are read by its SDK itself.
 */
import type { TracingConfig } from './telemetry/tracing-port.ts'
import { isHttpUrl } from '../shared/http-url.ts'

type Environment = Readonly<Record<string, string | undefined>>

const ENDPOINTS = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'] as const
const PROTOCOLS = ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL'] as const

/** Those that are ours. */
export const tracingVariables = ['SKEIN_TRACE_CONTENT']

export const tracingProblems = (given: Environment): string[] => {
  const { SKEIN_TRACE_CONTENT: content } = given
  const problems = ENDPOINTS.filter(name => given[name] !== undefined && !isHttpUrl(given[name] ?? ''))
    .map(name => `${name} must be an http or https URL, such as http://127.0.0.1:4318.`)
  if (ENDPOINTS.some(name => given[name] !== undefined)) {
    problems.push(...PROTOCOLS.filter(name => (given[name] ?? 'http/protobuf') !== 'http/protobuf')
      .map(name => `${name} must be http/protobuf, which is how this server exports traces, or unset.`))
  } else if (content !== undefined) {
    problems.push('SKEIN_TRACE_CONTENT says what traces hold, but nothing says where they go: set OTEL_EXPORTER_OTLP_ENDPOINT, or unset it.')
  }
  if (content !== undefined && content !== 'true' && content !== 'false') problems.push('SKEIN_TRACE_CONTENT must be true or false.')
  return problems
}

/** @returns null where nothing is traced */
export const tracingOf = (given: Environment): TracingConfig | null => {
  const { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: own, OTEL_EXPORTER_OTLP_ENDPOINT: base, OTEL_SDK_DISABLED: disabled } = given
  const url = own ?? (base && `${base.replace(/\/+$/, '')}/v1/traces`)
  if (url === undefined || disabled?.toLowerCase() === 'true') return null
  return { url, withContent: given['SKEIN_TRACE_CONTENT'] === 'true' }
}
