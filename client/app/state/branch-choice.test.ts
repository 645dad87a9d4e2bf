import { expect, test } from 'vitest'
import { visibleMessages } from '../../../shared/conversation/branch.ts'
import type { Message } from '../../../shared/conversation/schema.ts'
import type { MessageId } from '../../../shared/ids.ts'
import type { Delivery, ViewMessage } from '../../sync/view.ts'
import { chooseVersion, forgetChoice, withChoice } from './branch-choice.ts'

const say = (id: string, parentId: string | null, replaces?: string): Message => ({
  id: id as MessageId,
  role: 'user',
  parts: [{ type: 'text', text: id }],
  metadata: {
    parentId: parentId as MessageId | null, authorId: 'ada', createdAt: 1, acceptedAt: 1, status: 'complete',
    ...replaces !== undefined && { replaces: replaces as MessageId }
  }
})
const show = (messages: Message[], delivery: Delivery = { state: 'saved' }): ViewMessage[] =>
  visibleMessages(messages).map(({ message, alternatives }) => ({ message, alternatives, delivery }))
const ids = (shown: ViewMessage[]): string[] => shown.map(({ message }) => message.id)

const sealed = [say('q', null), say('a1', 'q'), say('on a1', 'a1'), say('a2', 'q', 'a1'), say('on a2', 'a2')]

test('without a choice the newest version and what follows it are shown', () => {
  expect(ids(withChoice(show(sealed), sealed, new Map()))).toEqual(['q', 'a2', 'on a2'])
})

test('an older version that was chosen is shown with what followed it, and leads back to the newer one', () => {
  const older = chooseVersion(new Map(), 'a1', sealed)
  const shown = withChoice(show(sealed), sealed, older)
  expect(ids(shown)).toEqual(['q', 'a1', 'on a1'])
  expect(shown[1]!.alternatives).toEqual(['a1', 'a2'])
  expect(ids(withChoice(show(sealed), sealed, chooseVersion(older, 'a2', sealed)))).toEqual(['q', 'a2', 'on a2'])
})

test('a forgotten choice shows the newest again', () => {
  const older = chooseVersion(new Map(), 'a1', sealed)
  expect(forgetChoice(older, 'a2', sealed).size).toBe(0)
})

test('own messages on their way and refused ones stay at the end, whatever is chosen', () => {
  const waiting: ViewMessage = { message: say('new', 'on a1'), alternatives: ['new'], delivery: { state: 'on-device' } }
  const refused: ViewMessage = {
    message: say('no', 'q'), alternatives: ['no'], delivery: { state: 'refused', code: 'message-too-long', reason: 'too long' }
  }
  const choice = chooseVersion(new Map(), 'a1', sealed)
  expect(ids(withChoice([...show(sealed), waiting, refused], sealed, choice))).toEqual(['q', 'a1', 'on a1', 'new', 'no'])
})

test('a message that this device asked to remove does not come back with a choice', () => {
  const all = [...sealed, say('later', 'q')]
  const shown = show(all).filter(({ message }) => message.id !== 'later')
  expect(ids(withChoice(shown, all, chooseVersion(new Map(), 'a1', all)))).toEqual(['q', 'a1', 'on a1'])
})

test('choosing what is not there changes nothing', () => {
  const choice = new Map()
  expect(chooseVersion(choice, 'nowhere', sealed)).toBe(choice)
})
