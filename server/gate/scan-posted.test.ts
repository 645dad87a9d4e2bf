/** What is not taken for JSON although a parser would take it. */
import { expect, it } from 'vitest'
import { limits } from '../../shared/limits.ts'
import { scanPosted } from './scan-posted.ts'

it.each([
  ['{"a":[1,-1.5,"é 👍",null,true,{"b":{}}]}'], ['"\\ud83d\\udc4d"'], ['['.repeat(limits.jsonDepth) + ']'.repeat(limits.jsonDepth)],
])('%s is what it says', text => {
  expect(scanPosted(text)).toEqual(JSON.parse(text))
})

it.each([
  ['', 'not valid JSON'], ['{', 'not valid JSON'], ['{"a":"', 'not valid JSON'], ['[1,]', 'not valid JSON'],
  ['{"a":{"__proto__":1}}', '__proto__'], ['{"\\u005f_proto__":1}', '__proto__'],
  ['[1e999]', 'a number'], ['[-0]', 'a number'],
  ['"\\ud83d"', 'half a character'], ['{"\\udc4d":1}', 'half a character'],
  ['['.repeat(limits.jsonDepth + 1) + ']'.repeat(limits.jsonDepth + 1), 'nested too deeply'],
])('%s is refused, and nothing was changed', (text, why) => {
  expect(() => scanPosted(text)).toThrow(expect.objectContaining({ code: 'invalid-request', message: expect.stringMatching(new RegExp(`${why}.*Nothing was changed`)) }))
})

it('what is dear to read is not read', () => {
  expect(() => scanPosted(`{${Array.from({ length: 20_000 }, (_, n) => `"${n}":{}`).join()}}`)).toThrow(expect.objectContaining({ code: 'too-expensive' }))
})
