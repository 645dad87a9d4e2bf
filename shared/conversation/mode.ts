/** In what mode an agent works on a message, and what follows from it for the tools that it may be offered. Pure. */

export const modes = ['chat', 'plan', 'act'] as const
/** `chat`: it talks; `plan`: it may look at things, and says what it would do; `act`: it may also change things, as far as it is let. */
export type Mode = typeof modes[number]

/** What was said before there were modes was said in this one. */
export const DEFAULT_MODE: Mode = 'chat'

export const isMode = (text: unknown): text is Mode => (modes as readonly unknown[]).includes(text)

/** What using a tool may do beside giving the agent something to read. */
export interface ToolEffect {
  /** It changes nothing, whatever it is called with. */
  readOnly: boolean
}

export interface ToolPolicy {
  offers: 'nothing' | 'read-only' | 'everything'
}

export const toolPolicy = (mode: Mode): ToolPolicy => {
  switch (mode) {
    case 'chat':
      return { offers: 'nothing' }
    case 'plan':
      return { offers: 'read-only' }
    case 'act':
      return { offers: 'everything' }
  }
}

/** What becomes of a call of the tool: it is not offered, it runs at once, or a person has to approve of its arguments first. */
export const useOf = ({ offers }: ToolPolicy, { readOnly }: ToolEffect): 'never' | 'freely' | 'with-approval' => {
  if (offers === 'nothing' || (offers === 'read-only' && !readOnly)) return 'never'
  return readOnly ? 'freely' : 'with-approval'
}
