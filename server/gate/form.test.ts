/** Which content stands in lists, maps and texts. */
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { any, embed, text, type } from '../../test/fuzz/update-writer.ts'
import { NEW, sendStructs, word } from '../../test/fuzz/verdicts.ts'
import { ben, liveArtifact, Peer } from '../../test/fuzz/worlds.ts'

describe('forms', () => {
  it('arrays take no key, map entries no right origin and only one value', () => {
    const server = liveArtifact()
    const map = server.doc.getMap('map')._map.get('key')!.id
    expect(sendStructs(server, { parent: 'r', key: 'a', content: type('array') }, { parent: [NEW, 0], key: 'b', content: any(1) })).toBe('malformed')
    expect(sendStructs(server, { parent: 'r', key: 'a', content: type('map') }, { parent: [NEW, 0], content: any(1) })).toBe('malformed')
    expect(sendStructs(server, { rightOrigin: [map.client, map.clock], content: any(1) })).toBe('malformed')
    expect(sendStructs(server, { parent: 'map', key: 'two', content: any(1, 2) })).toBe('malformed')
    expect(sendStructs(server, { parent: 'map', key: 'letters', content: text('ab') })).toBe('malformed')
    expect(sendStructs(server, { parent: 'map', key: 'embed', content: embed('{}') })).toBe('malformed')
  })

  it('free documents take attributes of texts, as Yjs writes them', () => {
    const server = liveArtifact()
    const peer = new Peer(server, ben)
    peer.doc.getArray('list').insert(0, [new Y.Text('x')])
    ;(peer.doc.getArray('list').get(0) as Y.Text).setAttribute('lang', 'en')
    expect(word(peer.push())).toBe('accept')
  })
})
