/** Which messages are shown where some are alternatives to others. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { alternativesRoot, lastVisible, visibleMessages } from './branch.ts'
import type { Message } from './schema.ts'
import type { MessageId } from '../ids.ts'

/** `message('b', 'a', 'x')`: b answers a and replaces x. The ids of these tests are letters, for a reader's sake. */
const message = (id: string, parentId: string | null = null, replaces?: string): Message => ({
  id: id as MessageId,
  role: 'user',
  parts: [{ type: 'text', text: id }],
  metadata: {
    parentId: parentId as MessageId | null, ...replaces !== undefined && { replaces: replaces as MessageId },
    authorId: 'u', createdAt: 0, acceptedAt: 0, status: 'complete',
  },
})

const shown = (messages: Message[], choice: Record<string, string> = {}, takenOut: Record<string, string | null> = {}): string[] =>
  visibleMessages(messages, new Map(Object.entries(choice)), new Map(Object.entries(takenOut).map(([id, parentId]) => [id, { parentId }])))
    .map(entry => entry.message.id)

describe('without alternatives', () => {
  test('everything is shown, in the order accepted', () => {
    expect(shown([message('a'), message('b', 'a'), message('c', 'b')])).toEqual(['a', 'b', 'c'])
  })

  test('nothing is shown of nothing', () => {
    expect(shown([])).toEqual([])
    expect(lastVisible([])).toBeNull()
  })

  test('people who send at once, and agents that answer at once, hide nobody', () => {
    expect(shown([message('a'), message('b', 'a'), message('c', 'a'), message('d', 'a'), message('e', 'c'), message('f', 'b')])).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
  })

  test('several first messages stand beside each other', () => {
    expect(shown([message('a'), message('b')])).toEqual(['a', 'b'])
  })

  test('a message whose parent is not known is shown', () => {
    expect(shown([message('b', 'gone')])).toEqual(['b'])
  })
})

describe('alternatives', () => {
  test('the newest is shown, and each knows all of them', () => {
    const messages = [message('q'), message('a1', 'q'), message('a2', 'q', 'a1'), message('a3', 'q', 'a2')]
    expect(visibleMessages(messages).map(entry => [entry.message.id, entry.alternatives])).toEqual([['q', ['q']], ['a3', ['a1', 'a2', 'a3']]])
  })

  test('name the first of them or the one before: it is the same group', () => {
    expect(shown([message('a'), message('b', null, 'a'), message('c', null, 'a'), message('d', null, 'c')])).toEqual(['d'])
  })

  test('are chosen by each person', () => {
    const messages = [message('q'), message('a1', 'q'), message('a2', 'q', 'a1')]
    expect(shown(messages, { a1: 'a1' })).toEqual(['q', 'a1'])
    expect(shown(messages, { a1: 'a2' })).toEqual(['q', 'a2'])
  })

  test('a choice of what is not among them counts as none', () => {
    const messages = [message('q'), message('a1', 'q'), message('a2', 'q', 'a1')]
    expect(shown(messages, { a1: 'q' })).toEqual(['q', 'a2'])
    expect(shown(messages, { a1: 'gone', x: 'y' })).toEqual(['q', 'a2'])
  })

  test('what followed a hidden one is hidden, to the last descendant, and shown again when it is chosen', () => {
    const messages = [
      message('q1'), message('a1', 'q1'), message('q2', 'a1'), message('a2', 'q2'),
      message('e1', null, 'q1'), message('b1', 'e1'),
    ]
    expect(shown(messages)).toEqual(['e1', 'b1'])
    expect(shown(messages, { q1: 'q1' })).toEqual(['q1', 'a1', 'q2', 'a2'])
  })

  test('within alternatives are decided each for itself', () => {
    const messages = [message('q'), message('a1', 'q'), message('x', 'a1'), message('a2', 'q', 'a1'), message('y1', 'a2'), message('y2', 'a2', 'y1')]
    expect(shown(messages)).toEqual(['q', 'a2', 'y2'])
    expect(shown(messages, { a1: 'a1' })).toEqual(['q', 'a1', 'x'])
    expect(shown(messages, { y1: 'y1' })).toEqual(['q', 'a2', 'y1'])
  })

  test('of a message that is gone still know one another', () => {
    expect(shown([message('b', null, 'gone'), message('c', null, 'gone')])).toEqual(['c'])
  })

  test('the last one shown is what a new message follows', () => {
    const messages = [message('q'), message('a1', 'q'), message('x', 'a1'), message('a2', 'q', 'a1')]
    expect(lastVisible(messages)?.id).toBe('a2')
    expect(lastVisible(messages, new Map([['a1', 'a1']]))?.id).toBe('x')
  })
})

describe('who chose nothing', () => {
  const reply = (...of: Parameters<typeof message>): Message => ({ ...message(...of), role: 'assistant' })

  test('sees what came last, also where it was written offline below a version that another one has taken the place of meanwhile', () => {
    const before = [message('q'), reply('a1', 'q'), reply('a2', 'q', 'a1')]
    expect(shown([...before, message('x', 'a1'), reply('y', 'x')])).toEqual(['q', 'a1', 'x', 'y'])
    expect(shown([...before, message('x', 'a1')], { a1: 'a2' })).toEqual(['q', 'a2'])
  })

  test('is not taken elsewhere by a late reply, only by what somebody says', () => {
    const before = [message('q'), reply('a1', 'q'), message('x', 'a1'), reply('a2', 'q', 'a1')]
    expect(shown([...before, reply('y', 'x')])).toEqual(['q', 'a2'])
    expect(shown([...before, reply('y', 'x'), message('z', 'y')])).toEqual(['q', 'a1', 'x', 'y', 'z'])
  })

  test('sees it also where the message that it follows was taken out', () => {
    expect(shown([message('q'), reply('a1', 'q'), reply('a2', 'q', 'a1'), message('z', 'x')], {}, { x: 'a1' })).toEqual(['q', 'a1', 'z'])
  })

  test('sees the last message that a person wrote, whatever was said before', () => {
    const tree = fc.array(fc.tuple(fc.nat(), fc.nat(), fc.boolean(), fc.boolean()), { minLength: 1, maxLength: 30 }).map(entries => {
      const messages: Message[] = []
      for (const [i, [parent, replaced, isAlternative, isReply]] of entries.entries()) {
        const target = isAlternative ? messages[replaced % Math.max(1, i)] : undefined
        const parentId = target ? target.metadata.parentId : i === 0 ? null : messages[parent % i]!.id
        messages.push((isReply && i < entries.length - 1 ? reply : message)(`m${i}`, parentId, target?.id))
      }
      return messages
    })
    fc.assert(fc.property(tree, messages => shown(messages).includes(messages.at(-1)!.id)), { seed: 20261121, numRuns: 2000 })
  })
})

describe('a message that was taken out', () => {
  test('takes nothing with it', () => {
    expect(shown([message('a'), message('c', 'b')], {}, { b: 'a' })).toEqual(['a', 'c'])
  })

  test('leaves what followed it hidden with the branch that it belonged to', () => {
    const messages = [message('q'), message('c', 'b'), message('e', null, 'q')]
    expect(shown(messages, {}, { b: 'x', x: 'q' })).toEqual(['e'])
    expect(shown(messages, { q: 'q' }, { b: 'x', x: 'q' })).toEqual(['q', 'c'])
  })
})

describe('what cannot be, but may arrive', () => {
  test.each([
    ['a message that replaces itself', [message('a', null, 'a')]],
    ['two that replace one another', [message('a', null, 'b'), message('b', null, 'a')]],
    ['a ring of three', [message('a', null, 'b'), message('b', null, 'c'), message('c', null, 'a')]],
    ['a message that answers itself', [message('a', 'a')]],
    ['two that answer one another', [message('a', 'b'), message('b', 'a')]],
  ])('%s comes to an end', (_, messages) => {
    expect(shown(messages).length).toBeGreaterThan(0)
    const byId = new Map(messages.map(each => [each.id as string, each]))
    for (const each of messages) expect(byId.has(alternativesRoot(each, byId))).toBe(true)
  })

  test('messages taken out that answer one another come to an end', () => {
    expect(shown([message('c', 'a')], {}, { a: 'b', b: 'a' })).toEqual(['c'])
  })

  test('ten thousand alternatives of one message, each replacing the one before, take no time', () => {
    const messages = Array.from({ length: 10_000 }, (_, i) => message(`m${i}`, null, i > 0 ? `m${i - 1}` : undefined))
    const before = performance.now()
    expect(shown(messages)).toEqual(['m9999'])
    expect(performance.now() - before).toBeLessThan(1000)
  })

  test('any tangle of parents and replacements ends, in order, with one of each group at most', () => {
    const id = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h')
    const tangle = fc.uniqueArray(fc.tuple(id, fc.option(id), fc.option(id, { nil: undefined })), { selector: ([own]) => own })
      .map(entries => entries.map(([own, parentId, replaces]) => message(own, parentId, replaces)))
    fc.assert(fc.property(tangle, fc.dictionary(id, id), fc.dictionary(id, fc.option(id)), (messages, choice, takenOut) => {
      const ids = shown(messages, choice, takenOut)
      expect(ids).toEqual(messages.map(each => each.id as string).filter(each => ids.includes(each)))
      const groups = visibleMessages(messages, new Map(Object.entries(choice))).map(entry => entry.alternatives.join())
      expect(new Set(groups).size).toBe(groups.length)
    }), { seed: 20261101, numRuns: 3000 })
  })
})
