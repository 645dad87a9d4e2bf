// What the judge let through and only the audit catches: nothing of it is kept, and its sender is turned away for good.
import { afterEach, expect, it } from 'vitest'
import { parseDocumentName } from '../../shared/ids.ts'
import { bob, closeWorlds, talk, world } from '../../test/rig/rooms-world.ts'
import { say } from '../../test/rig/conversation.ts'
import { settle } from '../../test/rig/manual-time.ts'

afterEach(closeWorlds)

/** What only the audit catches: as if the update had written what it was not judged to write. */
it.each([['a conversation', talk], ['a free document', parseDocumentName('artifact/board')!]])(
  'in %s who sent what the audit caught is turned away for good; everybody else comes back', async (_, name) => {
    const over = world()
    const [forger, other] = [await over.enter(name), await over.enter(name, bob)]
    const ends: string[] = []
    for (const [who, page] of [['forger', forger], ['other', other]] as const) {
      page.end = code => { ends.push(`${who} ${code}`) }
      await page.join()
    }
    const write = (text: string): void => {
      if (name === talk) say(forger.doc, text, { to: [] })
      else forger.doc.getText('note').insert(0, text)
    }
    write('honest')
    await settle()
    await over.rooms.use(name, room => room.read(doc => {
      doc.once('beforeTransaction', () => doc.getMap('elsewhere').set('key', 'forged'))
    }))
    write('forged')
    await settle()
    expect([ends.find(each => each.startsWith('forger')), ends.find(each => each.startsWith('other'))]).toEqual(['forger forged', 'other not-saved'])
  })
