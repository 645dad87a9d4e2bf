/** Deliberately broken copies of the product: each changes one place in its source, and a simulation has to notice. */

export interface Variant {
  /** Names the folder of the copy, too. */
  name: string
  file: string
  /** A life that is known to show it, until lives change: looked at first. */
  seed?: number
  /** It takes a disk that lies to show it: with one that keeps its word nobody has ever seen what was lost. */
  diskLies?: true
  /** Matches one place in the file. */
  find: RegExp
  /** As for `String.replace`. */
  replace: string
}

export const variants: readonly Variant[] = [
  {
    name: 'acknowledged before it is durable',
    seed: 12,
    file: 'server/room/write-path.ts',
    find: /recorder\.whenDurable\(\(\) => readers\.afterBroadcast\(\(\) => submission\.saved\(taken\)\), .*\)/,
    replace: 'submission.saved(taken)'
  },
  {
    name: 'released before it is durable',
    seed: 13,
    file: 'server/room/recorder.ts',
    find: /this\.#releases\.whenDurable\(\(\) => (this\.#onReleased\(.*?\))\)/,
    replace: '$1'
  },
  {
    name: 'step 2 sent before it is durable',
    seed: 10,
    file: 'server/room/readers.ts',
    find: /return new Promise\(\(resolve, reject\) => this\.#recorder\.whenDurable\(\(\) => \{\s*resolve\(\)\s*if .*\s*(for .*session\.deliver\(outgoing\))/,
    replace: '$1\n    $&'
  },
  {
    name: 'subscribed before step 2 is sent',
    seed: 13,
    file: 'server/room/readers.ts',
    find: /return new Promise\(\(resolve, reject\) => this\.#recorder\.whenDurable\(\(\) => \{\s*resolve\(\)/,
    replace: 'this.#sessions.add(session)\n    $&'
  },
  {
    name: 'subscribed after step 2 was sent',
    seed: 969,
    file: 'server/room/readers.ts',
    find: /this\.#sessions\.add\(session\)/,
    replace: 'void setTimeout(() => this.#sessions.add(session), 1)'
  },
  {
    name: 'what came since the stored bytes were read is not sent',
    file: 'server/room/readers.ts',
    find: /\.\.\.frames, this\.#answers\.cameSince\(stored\)/,
    replace: '...frames, this.#answers.cameSince({ ...stored, has: Y.encodeStateVector(this.#doc) })'
  },
  {
    name: 'who reads stored bytes gets nothing of what comes after them',
    file: 'server/room/cold-readers.ts',
    find: /room\.adopt\(\{ sessions: this\.#sessions.*\)\n/,
    replace: ''
  },
  {
    name: 'readers are forgotten when the document leaves memory',
    seed: 197,
    file: 'server/room/cold-readers.ts',
    find: /this\.#sessions = sessions\.size > 0 \? new Set\(sessions\) : null/,
    replace: 'this.#sessions = null'
  },
  {
    name: 'what waits for the document is not judged',
    file: 'server/room/document-room.ts',
    find: /for \(const submission of this\.#inbox\.take\(\)\) room\.submit\(submission\)/,
    replace: 'this.#inbox.take()'
  },
  {
    name: 'deletions are acknowledged by a room whose document is not in memory',
    seed: 44,
    file: 'server/room/cold-document.ts',
    find: /if \(!isDeleted\(this\.#deletions, client, clock, length\)\) return false/,
    replace: 'void [client, clock, length]'
  },
  {
    name: 'who did not read misses what came meanwhile',
    seed: 21,
    file: 'server/room/readers.ts',
    find: /const has = this\.#stopped\.get\(session\)/,
    replace: 'const has = this.#stopped.get(session) && Y.encodeStateVector(this.#doc)'
  },
  {
    name: 'who does not read stops before it has what it is taken to have',
    seed: 110,
    file: 'server/room/readers.ts',
    find: /const has = Y\.encodeStateVector\(this\.#doc\)(?=\n *\/\/ Records up to here)/,
    replace: '$&\n    this.#sessions.delete(session) && this.#stopped.set(session, has)'
  },
  {
    name: 'what has a gap is refused, not parked',
    file: 'server/room/write-path.ts',
    find: /case 'park':\s*return \{ kind: 'parked' \}/,
    replace: "case 'park':\n          return refused('malformed', 'has a gap')"
  },
  {
    name: 'server client ids used again after a crash',
    seed: 51,
    file: 'server/room/lineage.ts',
    find: /stored && stored\.ids\.generation === generation/,
    replace: 'stored',
    diskLies: true
  },
  {
    name: 'search markers kept after an update from outside',
    seed: 811,
    file: 'server/gate/apply.ts',
    find: /if \(type\._searchMarker\) type\._searchMarker\.length = 0/,
    replace: 'void type'
  },
  {
    name: 'the ledger is not read',
    file: 'server/room/taken-requests.ts',
    find: /for \(const \[id, entry\] of (await this\.#log\.ledger\(this\.#name, toRead\))\) known\.set\(id, entry\)/,
    replace: '$1'
  },
  {
    name: 'a room that begins anew believes its ledger to be empty',
    seed: 8,
    file: 'server/room/taken-requests.ts',
    find: /new Set\(ids\), since: ''/,
    replace: "new Set(), since: ''"
  },
  {
    name: 'a room goes on after a failed append',
    seed: 35,
    file: 'server/room/recorder.ts',
    find: /work\.catch\(this\.#onBroken\)/,
    replace: 'work.catch(() => {})'
  },
  {
    name: 'anybody writes under any client id',
    seed: 386,
    file: 'server/gate/judge.ts',
    find: /if \(isNew && !\(struct instanceof Y\.Skip\)\) this\.#checkOwner\(struct\.id\.client\)/,
    replace: 'void isNew'
  },
  {
    name: 'a device proposes nothing again',
    file: 'client/sync/own-request.ts',
    find: /own\.filter\(entry => isOpen\(entry\) &&/,
    replace: 'own.filter(entry => own.length < 0 && isOpen(entry) &&'
  },
  {
    name: 'a device sends again by itself what has an unknown outcome',
    file: 'client/sync/own-request.ts',
    find: /isOpen\(entry\) && !wasAskedElsewhere\(entry, epoch\) && /,
    replace: 'isOpen(entry) && '
  },
  {
    name: 'a device merges whatever epoch it meets',
    file: 'client/sync/lineage.ts',
    find: /state\.epoch !== null && state\.epoch !== epoch/,
    replace: 'state.epoch === undefined'
  },
  {
    name: 'letters that were typed into a draft that was sent without them do not come back',
    seed: 44,
    file: 'client/sync/shared-drafts.ts',
    find: /for \(const draft of draftsGoneIn\(transaction\)\) this\.#takeBack\(doc, draft\)/,
    replace: 'void draftsGoneIn(transaction)'
  },
  {
    name: 'the ledger is lost at a squash',
    file: 'test/rig/memory-log.ts',
    find: /if \(lineage !== undefined\) document\.lineage = structuredClone\(lineage\)/,
    replace: `if (lineage !== undefined) {
        document.lineage = structuredClone(lineage)
        document.ledger.clear()
      }`
  },
  {
    name: 'a squash without a new epoch',
    file: 'server/room/lineage.ts',
    find: /return \{ epoch: random\.uuid\(\), ids, earlier: \[\], retired,/,
    replace: 'return { epoch: stored?.epoch ?? random.uuid(), ids, earlier: [], retired,'
  },
  {
    name: 'a page of another epoch is merged',
    seed: 81,
    file: 'server/connection/connection.ts',
    find: /if \(this\.#room\.isStale\(clients\.keys\(\)\)\) return this\.end\('epoch-changed'\)/,
    replace: ''
  },
  {
    name: 'a page of an epoch that a restored backup does not know is merged',
    seed: 261,
    file: 'server/room/client-owners.ts',
    find: / \|\| \(isServerMade\(clientId\) && !this\.#isServers\(clientId\)\)/,
    replace: ''
  },
  {
    name: 'an older backup begins no new epochs',
    seed: 2,
    file: 'server/room/open-document.ts',
    find: /ids\.generation < newEpochsSince/,
    replace: 'ids.generation < 0 && newEpochsSince > 0'
  },
  {
    name: 'a backup that is restored again begins the same epochs again',
    file: 'test/rig/memory-log.ts',
    find: /this\.generation \+= leap/,
    replace: 'void leap'
  },
  {
    name: 'runs that a failed append wrote all the same are not taken up',
    seed: 244,
    file: 'server/room/rooms.ts',
    find: /if \(openRuns\.length > 0\) .*/,
    replace: ''
  },
  {
    name: 'a deletion leaves no tombstone',
    seed: 16,
    file: 'test/rig/memory-directory.ts',
    find: /this\.#entries\.set\(name, deleted\)/,
    replace: 'this.#entries.delete(name)'
  },
  {
    name: 'who was let in before a deletion brings the document back',
    seed: 16,
    file: 'server/room/access.ts',
    find: /if \(entry && entry\.deletedAt !== null\) throw new SkeinError\('gone'\)/,
    replace: ''
  },
  {
    name: 'what a crash left of a deletion stays',
    seed: 1920,
    file: 'server/erasure.ts',
    find: /for \(const name of await directory\.toErase\(\)\) await eraseNow\(name\)/,
    replace: 'await directory.toErase()'
  },
  {
    name: 'what was not sent when the conversation was deleted is thrown away',
    seed: 16,
    file: 'client/sync/outbox.ts',
    find: /if \(isOpen\(entry\) && carriesText\(entry\.request\)\) this\.answered/,
    replace: 'if (entry.id === code && carriesText(entry.request)) this.answered'
  },
  {
    name: 'a device keeps what was said in a deleted conversation',
    seed: 138,
    file: 'client/sync/server-link.ts',
    find: /hooks\.gone\(code\)\s*beginAnew\(null\)/,
    replace: 'hooks.gone(code)'
  },
  {
    name: 'requests of a viewer are taken',
    file: 'server/room/take.ts',
    find: /if \(context\.role === 'viewer'\) throw new SkeinError\('viewer'\)/,
    replace: ''
  },
  {
    name: 'a viewer writes in drafts',
    seed: 56,
    file: 'server/gate/policy-conversation.ts',
    find: /(this\.#writeDraft\(item, place\))\s*if \(this\.#view\.context\.role === 'viewer'\) this\.#view\.deny\(\)/,
    replace: '$1'
  },
  {
    name: 'a viewer writes in a free document',
    file: 'server/gate/policy-free.ts',
    find: /(would have too many roots\.'\))\s*if \(this\.#view\.context\.role === 'viewer'\) this\.#view\.deny\(\)/,
    replace: '$1'
  },
  {
    name: 'letters of an editor who became a viewer are thrown away',
    seed: 486,
    file: 'client/sync/shared-drafts.ts',
    find: /if \(this\.#options\.role\(\) === 'viewer'\) return this\.#keep\(.*\)/,
    replace: "if (this.#options.role() === 'viewer') return"
  },
  {
    name: 'a record that was written in part is taken for whole',
    seed: 15,
    file: 'test/sim/tail.ts',
    diskLies: true,
    find: /crc32c\(record\.update\) === checksum/,
    replace: 'crc32c(record.update) === checksum || record.update.length > 0'
  }
]
