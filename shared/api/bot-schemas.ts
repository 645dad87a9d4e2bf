/** What travels over `/api/bots`. */
import * as z from 'zod/mini'
import { message } from '../conversation/schema.ts'
import { limits } from '../limits.ts'

const name = z.string().check(z.trim(), z.minLength(1), z.maxLength(limits.botNameLength))
const description = z.string().check(z.trim(), z.maxLength(limits.botDescriptionLength))

/** `POST /api/bots`. */
export const newBot = z.strictObject({ name, description: z.optional(description) })
export type NewBot = z.output<typeof newBot>

/** `PATCH /api/bots/:id`: what is left out stays as it is. */
export const botChange = z.strictObject({ name: z.optional(name), description: z.optional(description) })
export type BotChange = z.output<typeof botChange>

/** A bot as its person sees it. */
export const bot = z.object({
  /** What a token's `actAs` names. */
  id: z.string(),
  name: z.string(),
  description: z.string(),
  /** Milliseconds since 1970. */
  createdAt: z.number(),
})
export type Bot = z.infer<typeof bot>

/** `GET /api/bots`, the oldest first. */
export const botList = z.object({ bots: z.array(bot) })
export type BotList = z.infer<typeof botList>

/**
 * `GET /api/bots/runs`, by a token that acts as the bot: server-sent events of what it is asked. Nothing is kept for later; what is open is
 * told to whoever comes.
 */
export const BOT_ASKED_EVENT = 'asked'
export const botAsked = z.object({
  run: z.string(),
  /** The part of `conversation/<id>` behind the slash. */
  conversation: z.string(),
  /** The one to answer. */
  message,
  /** What readers have of this reply, where it is to go on. */
  already: z.string(),
})
export type BotAsked = z.infer<typeof botAsked>
/** It needs no answer any more; its data is `{ run }`. */
export const BOT_OVER_EVENT = 'over'

/** What `POST /api/bots/runs/:id/reply` takes: the reply as text, as it grows. */
export const BOT_REPLY_TYPE = 'text/markdown'
/** Its answer, when the end of the reply is on the server's disk. */
export const botReplied = z.object({ run: z.string(), state: z.enum(['completed', 'error', 'cancelled']) })
