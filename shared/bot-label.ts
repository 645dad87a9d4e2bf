/** What everybody reads of a bot: its name, and whose it is. */

/** @param person as they are called; what could end or continue the line is taken out */
export const botLabel = (name: string, person: string): string => `${name} · bot of ${lineOf(person)}`

/** A person's name is theirs to choose, and as long as their server lets it be. */
const lineOf = (person: string): string => person.replace(/[\p{C}\p{Zl}\p{Zp}[\]]/gu, ' ').trim().slice(0, PERSON_LENGTH).toWellFormed()
const PERSON_LENGTH = 120
