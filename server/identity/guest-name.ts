/** Friendly names of guests, derived from the id alone: the same on every node and after every restart, with nothing to store. */
import { createHash } from 'node:crypto'
import type { UserId } from '../../shared/ids.ts'

const adjectives = [
  'Amber', 'Bold', 'Brave', 'Bright', 'Brisk', 'Calm', 'Candid', 'Cheerful', 'Clever', 'Cosy', 'Crisp', 'Curious', 'Daring', 'Eager',
  'Early', 'Fair', 'Gentle', 'Golden', 'Graceful', 'Happy', 'Honest', 'Jolly', 'Keen', 'Kind', 'Lively', 'Lucky', 'Mellow', 'Merry',
  'Mild', 'Misty', 'Nimble', 'Noble', 'Patient', 'Polite', 'Proud', 'Quick', 'Quiet', 'Ready', 'Rosy', 'Serene', 'Silver', 'Sincere',
  'Steady', 'Sunny', 'Swift', 'Tidy', 'Velvet', 'Warm', 'Wise', 'Witty',
] as const

const animals = [
  'Badger', 'Beaver', 'Bison', 'Crane', 'Curlew', 'Deer', 'Dolphin', 'Dormouse', 'Eagle', 'Falcon', 'Ferret', 'Finch', 'Fox', 'Gecko',
  'Hare', 'Hedgehog', 'Heron', 'Ibex', 'Jackdaw', 'Kestrel', 'Kingfisher', 'Koala', 'Lark', 'Lemur', 'Lynx', 'Magpie', 'Marten', 'Mole',
  'Moose', 'Newt', 'Nightingale', 'Ocelot', 'Otter', 'Owl', 'Panda', 'Pelican', 'Penguin', 'Plover', 'Puffin', 'Quail', 'Raven', 'Robin',
  'Salmon', 'Seal', 'Sparrow', 'Squirrel', 'Swan', 'Tapir', 'Turtle', 'Wren',
] as const

export const guestName = (id: UserId): string => {
  const digest = createHash('sha256').update(id).digest()
  const pick = (words: readonly string[], offset: number): string => words[digest.readUInt32BE(offset) % words.length]!
  return `${pick(adjectives, 0)} ${pick(animals, 4)}`
}
