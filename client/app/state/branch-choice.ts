/** Which of several versions of a message this device shows, while the page is open: the newest, unless the person chose another. Pure. */
import { alternativesRoot, visibleMessages } from '../../../shared/conversation/branch.ts'
import type { BranchChoice } from '../../../shared/conversation/branch.ts'
import type { Message } from '../../../shared/conversation/schema.ts'
import type { ViewMessage } from '../../sync/view.ts'

export const NO_CHOICE: BranchChoice = new Map()

const byId = (messages: readonly Message[]): Map<string, Message> => new Map(messages.map(message => [message.id, message]))

/** @returns the choices with this version shown in place of its alternatives; unchanged when it is none of the messages */
export const chooseVersion = (choice: BranchChoice, id: string, sealed: readonly Message[]): BranchChoice => {
  const messages = byId(sealed)
  const chosen = messages.get(id)
  return chosen ? new Map([...choice, [alternativesRoot(chosen, messages), id]]) : choice
}

/** @returns the choices without the one among the alternatives of this message, so that the newest is shown again */
export const forgetChoice = (choice: BranchChoice, id: string, sealed: readonly Message[]): BranchChoice => {
  const messages = byId(sealed)
  const message = messages.get(id)
  const root = message && alternativesRoot(message, messages)
  return new Map([...choice].filter(([key]) => key !== root))
}

/**
 * The messages as the person chose to see them.
 * @param shown what is shown without any choice
 * @param sealed all that the server accepted, alternatives included
 */
export const withChoice = (shown: ViewMessage[], sealed: readonly Message[], choice: BranchChoice): ViewMessage[] => {
  if (choice.size === 0) return shown
  const known = new Map(shown.map(entry => [entry.message.id as string, entry]))
  const accepted = new Set<string>(sealed.map(({ id }) => id))
  const refused = shown.filter(({ delivery }) => delivery.state === 'refused')
  const onTheirWay = shown.filter(({ message, delivery }) => delivery.state !== 'refused' && !accepted.has(message.id))
  // What would be visible and is not shown was taken out by this device, and stays out.
  const takenOut = new Set(visibleMessages(sealed).map(({ message }) => message.id as string).filter(id => !known.has(id)))
  for (const { alternatives } of shown) for (const id of alternatives) takenOut.delete(id)
  const visible = visibleMessages([...sealed, ...onTheirWay.map(({ message }) => message)], choice)
    .filter(({ message }) => !takenOut.has(message.id))
    .map(({ message, alternatives }): ViewMessage =>
      known.get(message.id) ?? { message, alternatives, delivery: { state: 'saved' } })
  return [...visible, ...refused]
}
