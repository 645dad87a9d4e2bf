/** Markdown that grows while it streams: block by block it ends as the same HTML as at once, and runs nothing. */
import { describe, expect, test } from 'vitest'
import { splitBlocks } from './blocks.ts'
import type { Block } from './blocks.ts'

const sample = [
  '# Plan', '', 'A first paragraph', 'of two lines.', '', '- one', '', '- two', '  - inner', '',
  '| a | b |', '|---|---|', '| 1 | 2 |', '', '```ts', 'const a = 1', '', '', 'const b = `x`', '```', '', '> quoted', '> more', '',
  '1. first', '2. second', '', '<b>raw</b>', '', 'Last [link](https://example.org).'
].join('\n')

const html = (blocks: Block[]): string => blocks.map(block => block.html).join('')

describe('splitting markdown into blocks', () => {
  test('a text that grows letter by letter ends as the same HTML as the whole text at once', () => {
    let blocks: Block[] = []
    for (let end = 1; end <= sample.length; end++) blocks = splitBlocks(sample.slice(0, end), blocks)
    expect(html(blocks)).toBe(html(splitBlocks(sample)))
  })

  test('finished blocks stay the same objects while the last one grows', () => {
    const before = splitBlocks('one\n\ntwo\n\nthree\n\nfo')
    const after = splitBlocks('one\n\ntwo\n\nthree\n\nfour', before)
    expect(after).toHaveLength(4)
    for (const index of [0, 1, 2]) expect(after[index]).toBe(before[index])
    expect(after[3]).not.toBe(before[3])
  })

  test('a code fence that is not closed yet is code, also when blank lines and other markup are in it', () => {
    const blocks = splitBlocks('Look:\n\n```js\nconst a = 1\n\n# no heading\n\n- no list')
    expect(blocks).toHaveLength(2)
    expect(blocks[1]!.html).toContain('<pre><code class="language-js">')
    expect(blocks[1]!.html).toContain('# no heading')
  })

  test('a text that was replaced, not extended, is split anew', () => {
    const before = splitBlocks('one\n\ntwo\n\nthree\n\nfour')
    expect(html(splitBlocks('uno\n\ntwo\n\nthree\n\nfour', before))).toBe(html(splitBlocks('uno\n\ntwo\n\nthree\n\nfour')))
  })

  test('task lists have no form controls', () => {
    const [block] = splitBlocks('- [x] done\n- [ ] open')
    expect(block!.html).not.toContain('<input')
    expect(block!.html).toContain('☑')
  })

  test('HTML is shown as it was written, but for bare tags that mark words', () => {
    const written = html(splitBlocks('a <img src=x onerror="go()"> b <b>bold</b> H<sub>2</sub>O <b onclick=go()>x</b>\n\n<script>go()</script>\n\n<div\nid=app>'))
    expect(written).toContain('&lt;img src=x onerror=&quot;go()&quot;&gt;')
    expect(written).toContain('<b>bold</b> H<sub>2</sub>O')
    expect(written).toContain('&lt;script&gt;')
    expect(written.match(/<(?!\/?(?:p|b|sub|br)>)/g)).toBeNull()
  })

  test('an empty text has no blocks', () => {
    expect(splitBlocks('')).toEqual([])
  })

  test('Windows line ends do not keep blocks from being reused', () => {
    const before = splitBlocks('one\r\n\r\ntwo\r\n\r\nthree')
    expect(splitBlocks('one\r\n\r\ntwo\r\n\r\nthree!', before)[0]).toBe(before[0])
  })
})

test('shows as written what would exhaust or stall the parser', () => {
  for (const hostile of ['>'.repeat(4000), '- '.repeat(3000) + 'x', '_a'.repeat(128_000), 'a'.repeat(60_000) + '@']) {
    const blocks = splitBlocks(hostile)
    expect(blocks).toHaveLength(1)
    expect(blocks[0]!.html.startsWith('<p>')).toBe(true)
  }
})

test('still reads rules, long tables and long code', () => {
  expect(splitBlocks('-'.repeat(80))[0]!.html).toContain('<hr')
  expect(splitBlocks('```\n' + 'x = 1\n'.repeat(10_000) + '```')[0]!.html).toContain('<pre>')
})
