/** Pages that a reply names. */
import { expect, it } from 'vitest'
import type { MessagePart } from '../../../shared/conversation/schema.ts'
import { sourcesOf } from './sources.ts'

const source = (url: string, title?: string): MessagePart => ({ type: 'source-url', sourceId: '1', url, ...title !== undefined && { title } })

it('are told once each, by their title, or by where they are without what only machines read', () => {
  expect(sourcesOf([
    source('https://a.example/x', 'A'), { type: 'text', text: 'between' }, source('https://www.b.example/path/page.html?query=1#top'),
    source('https://a.example/x', 'A'), source('https://c.example/', ' ')
  ])).toEqual([
    { url: 'https://a.example/x', title: 'A' },
    { url: 'https://www.b.example/path/page.html?query=1#top', title: 'b.example/path/page.html' },
    { url: 'https://c.example/', title: 'c.example/' }
  ])
})

it('are pages of the web alone', () => {
  expect(sourcesOf([source('javascript:alert(1)', 'A'), { type: 'source-document', title: 'B' }, { type: 'text', text: 'C' }])).toEqual([])
})
