/** The part of the environment that names one model, or the file that lists several; see config.ts. */
import * as z from 'zod'
import { isHttpUrl } from '../shared/http-url.ts'

/** An endpoint that speaks OpenAI's protocol. */
export interface ModelConfig {
  /** Without a slash at its end. */
  baseUrl: string
  /** Null for local endpoints that want none, such as Ollama. */
  apiKey: string | null
  name: string
}

const OPENAI = 'https://api.openai.com/v1'

export const modelEnvironment = {
  OPENAI_API_KEY: z.string().optional(),
  OPENAI_BASE_URL: z.string().refine(isHttpUrl, 'OPENAI_BASE_URL must be an http or https URL, such as http://127.0.0.1:11434/v1.').optional(),
  SKEIN_MODEL: z.string().optional(),
  SKEIN_MODELS: z.string().optional(),
}

type Values = z.infer<z.ZodObject<typeof modelEnvironment>>

/** @returns null: it names none */
export const modelOf = ({ OPENAI_API_KEY, OPENAI_BASE_URL, SKEIN_MODEL }: Values): ModelConfig | null =>
  SKEIN_MODEL === undefined ? null : {
    baseUrl: (OPENAI_BASE_URL ?? OPENAI).replace(/\/+$/, ''),
    apiKey: OPENAI_API_KEY ?? null,
    name: SKEIN_MODEL,
  }

export const modelProblems = (given: Partial<Record<string, string>>): string[] => {
  const { OPENAI_API_KEY, OPENAI_BASE_URL, SKEIN_MODEL, SKEIN_MODELS } = given
  const endpoint = OPENAI_API_KEY ?? OPENAI_BASE_URL
  if (SKEIN_MODELS !== undefined) {
    return SKEIN_MODEL === undefined ? []
      : ['SKEIN_MODELS lists the models and SKEIN_MODEL names one more: put that into the list, and unset SKEIN_MODEL.']
  }
  if (endpoint !== undefined && SKEIN_MODEL === undefined) {
    return [`SKEIN_MODEL must name the model to use, because ${OPENAI_API_KEY ? 'OPENAI_API_KEY' : 'OPENAI_BASE_URL'} is set; unset that to use the offline agent only.`]
  }
  if (endpoint === undefined && SKEIN_MODEL !== undefined) {
    return ['SKEIN_MODEL names a model, but nothing says where it is: set OPENAI_API_KEY or OPENAI_BASE_URL, or unset SKEIN_MODEL to use the offline agent only.']
  }
  return []
}
