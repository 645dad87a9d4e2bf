/**
 * Hocuspocus with its Database extension on SQLite: the statements are those of @hocuspocus/extension-sqlite, on node:sqlite, because the
 * native add-ons of that extension cannot be had everywhere. Everything else is as it comes.
 */
import { DatabaseSync } from 'node:sqlite'

const { PORT, STORE, VERSION } = process.env
const { Server } = await import(`hocuspocus-server-${VERSION}`)
const { Database } = await import(`hocuspocus-database-${VERSION}`)

const database = new DatabaseSync(STORE!)
database.exec('CREATE TABLE IF NOT EXISTS "documents" ("name" varchar(255) NOT NULL, "data" blob NOT NULL, UNIQUE(name))')
const select = database.prepare('SELECT data FROM "documents" WHERE name = $name ORDER BY rowid DESC')
const upsert = database.prepare('INSERT INTO "documents" ("name", "data") VALUES ($name, $data) ON CONFLICT(name) DO UPDATE SET data = $data')

const server = new Server({
  port: Number(PORT),
  address: '127.0.0.1',
  quiet: true,
  extensions: [new Database({
    fetch: async ({ documentName }: { documentName: string }) => select.get({ name: documentName })?.data ?? null,
    store: async ({ documentName, state }: { documentName: string, state: Uint8Array }) => {
      upsert.run({ name: documentName, data: state })
    },
  })],
})
await server.listen()
