/** What is told of a run in its span, and in the lines of the log that name its trace. Does nothing where nothing is traced. */
import { documentId } from '../../shared/ids.ts'
import type { DocumentName, RunId } from '../../shared/ids.ts'
import type { MessageMetadata, Run } from '../../shared/conversation/schema.ts'
import type { Span, Tracing } from '../telemetry/tracing-port.ts'
import type { AgentContext } from './port.ts'

export class RunTrace {
  /** Fields for lines of the log, under the names that log stores look for. */
  readonly fields: { trace_id?: string }
  readonly #tracing: Tracing | null
  readonly #name: DocumentName
  readonly #runId: RunId
  #span: Span | null = null
  #errorType: string | undefined

  constructor(tracing: Tracing | null, name: DocumentName, runId: RunId) {
    this.#tracing = tracing
    this.#name = name
    this.#runId = runId
    this.fields = tracing ? { trace_id: tracing.traceIdOf(runId) } : {}
  }

  /** To be called when it is known whose run it is; again for each further attempt. */
  begin({ id, agentId }: Pick<Run, 'id' | 'agentId'>, agentName: string = agentId): AgentContext['trace'] {
    if (!this.#tracing) return undefined
    this.#span ??= this.#tracing.run(this.#runId, `invoke_agent ${agentName}`, {
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.agent.id': agentId,
      'gen_ai.agent.name': agentName,
      'gen_ai.conversation.id': documentId(this.#name),
      'skein.run.id': id,
    })
    return { span: this.#span, withContent: this.#tracing.withContent }
  }

  /** @param details of the message that it ended with */
  changed({ state, attempt, error }: Pick<Run, 'state' | 'attempt' | 'error'>, { usage, model, finishReason }: Partial<MessageMetadata> = {}): void {
    this.#errorType = error?.code
    this.#span?.set({
      'skein.run.state': state,
      'skein.run.attempt': attempt,
      'gen_ai.response.model': model,
      'gen_ai.response.finish_reasons': finishReason === undefined ? undefined : [finishReason],
      'gen_ai.usage.input_tokens': usage?.inputTokens,
      'gen_ai.usage.output_tokens': usage?.outputTokens,
    })
  }

  /** This process has done what it can for the run, whose state says whether that was its end. */
  end(): void {
    this.#span?.end(this.#errorType)
  }
}
