/** How many bytes of bodies are held at once. */
import { describe, expect, it } from 'vitest'
import { HeldBodies } from './held-bodies.ts'

const codeOf = (hold: () => void): string | null => {
  try {
    hold()
    return null
  } catch (error) {
    return (error as { code: string }).code
  }
}

describe('bodies that are held', () => {
  const bodies = () => new HeldBodies({ bodyBytesPerPerson: 10, bodyBytesPerAddress: 15, bodyBytes: 20 })

  it('are so many bytes of one person, wherever they call from, until their calls are answered', () => {
    const held = bodies()
    const [here, there] = [held.open('192.0.2.1'), held.open('192.0.2.2')]
    for (const body of [here, there]) body.belongsTo('ada')
    here.grow(7)
    expect(codeOf(() => there.grow(4))).toBe('rate-limited')
    there.grow(3)
    here.release()
    expect(codeOf(() => there.grow(7))).toBeNull()
  })

  it('are so many of one address, of people and of those of whom nobody knows who they are, who have no more than one person', () => {
    const held = bodies()
    const [ada, nobody, another] = [held.open('192.0.2.1'), held.open('192.0.2.1'), held.open('192.0.2.1')]
    ada.belongsTo('ada')
    nobody.grow(6)
    expect(codeOf(() => another.grow(5))).toBe('rate-limited')
    ada.grow(9)
    expect(codeOf(() => ada.grow(1))).toBe('rate-limited')
  })

  it('are so many of all, and what was refused is not counted', () => {
    const held = bodies()
    const open = (n: number) => held.open(`192.0.2.${n}`)
    const [first, second, third] = [open(1), open(2), open(3)]
    first.grow(10)
    second.grow(8)
    expect(codeOf(() => third.grow(3))).toBe('unavailable')
    expect(codeOf(() => third.grow(2))).toBeNull()
    for (const body of [first, second, third]) body.release()
    first.grow(10)
  })
})
