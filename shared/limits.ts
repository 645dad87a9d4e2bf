/** Every limit that both sides know, named once. Bytes are UTF-8 or wire bytes. */

const requestBytes = 260 * 1024

export const limits = {
  /** One WebSocket frame; a larger one closes the socket with 1009 before it is read into memory as a whole. */
  frameBytes: 8 * 1024 * 1024,
  /**
   * What is new in one update, in bytes; a client that has more sends it as several updates. An update costs eight times its new bytes in
   * memory: a copy, the texts twice in UTF-16, and the record that grows while it is written.
   */
  updateBytes: 1200 * 1024,
  /** A larger update is not compared with what the document knows already; the known part is passed over unread. */
  comparedBytes: 64 * 1024,
  /** Steps of work (see `server/gate/budget.ts`) that reading, judging, applying and auditing one update may take: about 25 ms. */
  workPerUpdate: 500_000,
  /** Steps that one slow core does in a second; see `workPercentPerPerson`. */
  workPerCoreSecond: 20_000_000,
  /** Ranges that the delete set of one update may have. An honest one carries all tombstones of the document. */
  deletionsPerUpdate: 62_000,
  /**
   * Structs of a document; past that nothing is added to it by clients. Each is a piece of text or a value somebody wrote at once. At most
   * every second one is a range of deletions, so that `deletionsPerUpdate` never keeps an honest client out.
   */
  documentStructs: 120_000,
  /**
   * Structs over and above for what only ends something: tombstones, texts that are cut by deletions, and requests to stop a reply or to
   * take a message out that come too late. Those that come in time are not counted (server/room/full-document.ts).
   */
  endingStructs: 4000,
  /** Living structs inside one nested type (a draft, an entry of a map with all it holds), so that deleting it stays cheap. */
  nestedStructs: 4000,
  /**
   * Roots of a free document. Yjs looks a root's name up by walking over all of them, for each struct that it writes into a record, a
   * snapshot or an answer.
   */
  documentRoots: 128,
  /** Types inside types. Yjs deletes them by recursion: some thousands end its stack. */
  typeDepth: 64,
  /** All parts of one message as JSON. */
  messageBytes: 256 * 1024,
  /** Pieces of text, thoughts and sources of one reply, each a few structs; it is cut there. Further sources are left out. */
  partsPerReply: 500,
  sourcesPerReply: 200,
  /** Characters of what a model's provider calls something, such as the model that answered; the rest is cut. */
  providersNameLength: 200,
  /** How often one reply is begun: what brings the server down each time ends as interrupted. */
  attemptsPerReply: 10,
  /** One request as JSON, its message included. */
  requestBytes,
  /** Requests of one person in an hour, over all documents; further ones are refused `rate-limited`, their text stays on the device. */
  requestsPerHour: 1200,
  /** Requests of one person in an hour that are even looked at; each leaves a tombstone, so past this the socket closes. */
  requestsJudgedPerHour: 2400,
  /** Yjs client ids (page loads that wrote something) that one person brings in an hour. */
  newClientsPerHour: 600,
  /** Requests in one update; taking each costs a tenth of a millisecond. What a device wrote in a long time offline it sends as several. */
  requestsPerUpdate: 250,
  /**
   * Client ids that one connection may show presence under, in its life. It carries all tabs of a person, and each load of a page has an id
   * of its own.
   */
  presenceIdsPerConnection: 64,
  /** Frames and bytes of one connection that wait to be judged; past that its socket is not read. */
  waitingFrames: 64,
  waitingBytes: 8 * 1024 * 1024,
  /** Bytes and writes that wait to be sent to one connection; past either it gets nothing more until it has read, then the difference. */
  outboxBytes: 128 * 1024,
  outboxWrites: 256,
  /** Agents that one message asks. */
  agentsPerMessage: 16,
  /** Signs @ of one message that are looked at for a mention: a conversation of a thousand people may have 20,000 bots. */
  mentionsLookedAt: 1000,
  titleLength: 200,
  /** Characters of a system prompt. */
  systemPromptLength: 20_000,
  /** System prompts that one person keeps, and the characters of a name. */
  promptsPerPerson: 200,
  promptNameLength: 100,
  /** Files and folders of the server that one message names, and the characters of each path. */
  contextReferences: 16,
  contextPathLength: 1024,
  /** Files that are read for one reply, the bytes of each and of all of them; others are named as left out, the first so many by name. */
  contextFiles: 200,
  contextFileBytes: 128 * 1024,
  contextBytes: 512 * 1024,
  contextNamed: 50,
  /** How long files are read for one reply (seconds); what is not there by then is left out. */
  contextSeconds: 30,
  /** Entries that are looked at in folders for one reply, and how deep. */
  contextEntries: 5000,
  contextDepth: 16,
  /** A summary of older messages. */
  summaryBytes: 16 * 1024,
  /** Summaries that one attempt at a reply makes; what is longer than that goes on from them when it is tried again. */
  summariesPerAttempt: 16,
  /** A state vector in sync step 1: about 6,000 clients. */
  stateVectorBytes: 64 * 1024,
  /** Distinct Yjs clients in one update. */
  clientsPerUpdate: 1024,
  /** Nesting of one JSON value. */
  jsonDepth: 32,
  /** A key of a map, a root's name. */
  keyLength: 256,
  /** One awareness state as JSON. */
  presenceBytes: 4096,
  /** Parked frames of one connection. */
  parkedFrames: 256,
  parkedBytes: 4 * 1024 * 1024,
  /** The body of a request to the API: an id, a title or a role. */
  apiRequestBytes: 16 * 1024,
  /**
   * A request as the body of a call of the API: its JSON may write every letter outside ASCII as an escape, which is three times as long.
   */
  postedRequestBytes: 3 * requestBytes,
  /** The body of a `POST /api/sync`; it names what a device holds, about 170 bytes a document. */
  syncRequestBytes: 1024 * 1024,
  /** Documents that one `POST /api/sync` names at most, and looks at. */
  syncDocuments: 1000,
  /** Messages at the end of a conversation that a device keeps as plain data, to paint them before it has read the document. */
  latestMessages: 50,
  /** Requests of one document that a device remembers having let go of, so that a tab that was stopped meanwhile brings none back. */
  rememberedGone: 200,
  /** All of them as JSON, in UTF-16 units; the last one is kept however long it is. */
  latestLength: 512 * 1024,
  /** Tokens of one person that are neither revoked nor expired. */
  tokensPerPerson: 100,
  tokenNameLength: 100,
  /** Documents that one token names; with more of them leave them out, and it is good for all of the person's. */
  documentsPerToken: 64,
  /** Bots that one token acts as: whoever acts by it is one, on every screen. */
  agentsPerToken: 1,
  /** Bots of one person, and characters of what each is called and of what is said of it. */
  botsPerPerson: 20,
  botNameLength: 40,
  botDescriptionLength: 300,
  /** How long a run waits for its bot to begin a reply (seconds). */
  botBeginsSeconds: 60,
  /** The longest that a token lives, from when it was made or rotated. */
  tokenDays: 366,
  /** The same where people sign in by JWT, unless `SKEIN_JWT_TOKEN_DAYS` says otherwise: nobody tells us when such a person has left. */
  jwtTokenDays: 30,
  /** How long a ticket opens sockets (seconds); a socket that it opened lives on. */
  ticketSeconds: 60,
  /** Characters of a ticket or a token; what is longer is nobody's, and not looked at. */
  credentialLength: 8192,
  /** Members of one document; all of them are written with each change of one. */
  membersPerDocument: 1000,
  /** Invitations and share links of one document that were not revoked; expired and used ones count. */
  linksPerDocument: 100,
  /** People whom an owner removed that a document remembers, the latest: links from before do not let them in again. */
  removedPerDocument: 1000,
  /** People in those entries of the directory that the server keeps in memory, and one for each entry: some 10 MB. */
  keptMemberships: 40_000,
  /** Longest life of a link, in days; without a life it lasts until it is revoked. */
  linkDays: 365,
  /** Updates in one answer to `POST /api/sync`, before base64; one document goes however large it is. */
  syncAnswerBytes: 2 * 1024 * 1024,
} as const

export type Limits = typeof limits

/** Limits of one server that its operator may set otherwise, each by an environment variable: see docs/limits.md. */
export const serverLimits = {
  /**
   * Replies of language models that a guest may ask for in a day (UTC), and a person who signed in; all guests together, of whom one
   * person can be as many as they like; and everybody on the server.
   */
  repliesPerDayPerGuest: 100,
  repliesPerDayPerPerson: 1000,
  repliesPerDayOfGuests: 5000,
  repliesPerDay: 20_000,
  /** Replies of language models and bots that go on at once for one person; see docs/decisions/0023-replies-at-once.md. */
  repliesAtOncePerPerson: 50,
  /** Updates of one connection; past that its socket is read more slowly. */
  updatesPerSecond: 1000,
  /**
   * How much of a core the updates of one person may take, in percent, twenty seconds' worth at once; past that their sockets are read more
   * slowly. It is counted in steps of work, not timed (docs/decisions/0017-what-a-connection-costs.md).
   */
  workPercentPerPerson: 10,
  /** Awareness frames and questions (sync step 1) of one connection; past that its socket is read more slowly. */
  presencePerSecond: 200,
  /** Connections that one address may open, ten times as many after a quiet time; further ones are answered 429. */
  connectsPerSecondPerAddress: 200,
  /** Connections that one person may open, ten times as many after a quiet time; further ones close with 1013. */
  connectsPerSecondPerPerson: 50,
  /** Open connections of one person, one for each open document of each device; further ones close with 1013. */
  connectionsPerPerson: 1000,
  /** Open feeds of one person: the list feed of each page, what each program of a bot is asked; more are answered 429. */
  streamsPerPerson: 200,
  /** Calls of the API that only read, of one person or address in a minute, all at once after a quiet time; more are answered 429. */
  readsPerMinutePerPerson: 1200,
  readsPerMinutePerAddress: 12_000,
  /** Calls that change something, likewise. What travels over sync does not count. */
  writesPerMinutePerPerson: 300,
  writesPerMinutePerAddress: 3000,
  /** Tokens, tickets, invitations and devices that one person makes in a minute. */
  credentialsPerMinutePerPerson: 60,
  /** Attempts from one address in a minute to sign in, to sign up, or to use an invitation. */
  signInsPerMinutePerAddress: 60,
  /** Guests that nobody knew yet, from one address in a minute. */
  newGuestsPerMinutePerAddress: 600,
  /**
   * Bytes of the bodies of calls that are held at once, read and not answered yet: of one person (or of one address, while nobody knows who
   * calls), from one address, and of everybody. Further ones are answered 429 and 503.
   */
  bodyBytesPerPerson: 8 * 1024 * 1024,
  bodyBytesPerAddress: 32 * 1024 * 1024,
  bodyBytes: 256 * 1024 * 1024,
  /** What one document takes on disk as a snapshot; past that nothing is added to it, but things can be deleted. */
  documentBytes: 64 * 1024 * 1024,
  /** Open connections of everybody; further ones are not accepted. */
  connections: 20_000,
  /** How long a caller may take to say what it wants: the head of an HTTP request, and so an upgrade. */
  headSeconds: 10,
  /** The same for a body that is read as a whole; a bot's reply may take as long as any reply. */
  bodySeconds: 300,
  /** A socket that has not answered a ping by the time of the next one is ended. */
  pingSeconds: 30,
  /** A connection for which bytes wait, and that takes none of them for so long, is ended. */
  stalledSeconds: 60,
}

export type ServerLimits = typeof serverLimits

/** Limits of accounts, the same on every server. */
export const accountLimits = {
  /** Characters of a password. */
  passwordMin: 10,
  passwordMax: 128,
  /** Characters of the name that others see. */
  nameLength: 80,
  /** Characters of an e-mail address (RFC 5321). */
  emailLength: 254,
  /** A session ends so long after it was used last. */
  sessionDays: 30,
  /** A session that was renewed longer ago than this is renewed when the app is opened. */
  sessionRenewedAfterHours: 24,
  /** What decides who gets into an account, such as another passkey, needs a sign-in that is no older. */
  freshSessionHours: 24,
  /** When a session was last seen is noted so often. */
  lastSeenMinutes: 10,
  /** Wrong passwords for one account from one address before its next attempt has to wait … */
  freeAttempts: 5,
  /** … so long, twice as long after each further one … */
  firstLockSeconds: 30,
  /** … and never longer than this. */
  longestLockSeconds: 900,
  attemptsForgottenHours: 24,
  /** Wrong passwords from one address, whatever the account; then nobody is listened to from there for an hour. */
  failedSignInsPerAddressPerHour: 100,
  /** Wrong passwords for one account from one IPv6 network (/48), of which one customer may have all addresses; likewise. */
  failedSignInsPerAccountPerNetworkPerHour: 50,
  /** Mails about an account to one address in an hour; further ones are not sent. */
  mailsPerRecipientPerHour: 4,
  /** Passwords that are hashed at the same time, and that wait for it. */
  passwordsAtOnce: 2,
  passwordsWaiting: 100,
  resetLinkHours: 1,
  /** So long the app waits for a person to use or to make a passkey; they may stop it sooner. */
  passkeySeconds: 120,
  confirmationHours: 24,
  inviteCodeDays: 14,
  /** Accounts on one page of the admin's list. */
  accountsPerPage: 100,
  passkeysPerPerson: 20,
  /** Characters of a model provider's key that an admin stores. */
  providerKeyLength: 4096,
} as const

/** Limits of devices, the same on every server. */
export const deviceLimits = {
  /** A link that adds a device is good for so long. */
  linkSeconds: 300,
  /** Links of one person that wait for a device. */
  openLinksPerPerson: 5,
  /** When a device was last seen is noted so often. */
  seenHours: 1,
} as const
