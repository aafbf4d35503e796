import type { Call, Handlers } from '../contract/types.ts'
import type { Database } from '../database/database.ts'
import { dayOf } from '../domain/days.ts'
import { createExport, type ExportPage } from '../domain/export.ts'
import { createImport } from '../domain/import/import.ts'
import { createUsers } from '../domain/users.ts'
import { writeTodos } from '../exchange/calendar.ts'
import { readTodos } from '../exchange/calendar-todos.ts'
import { inChunks } from '../exchange/chunks.ts'
import { readCsv, writeCsv } from '../exchange/csv.ts'
import type { CsvOptions } from '../exchange/csv-records.ts'
import type { NamedTask, Row, Source } from '../exchange/item.ts'
import { type Resource, readNdjson, writeNdjson } from '../exchange/ndjson.ts'

type Pages = AsyncIterable<ExportPage>
type Format = NonNullable<Call<'exportAccount'>['query']['format']>

const forms = {
  ndjson: (pages: Pages) => ({ type: 'application/x-ndjson' as const, body: inChunks(writeNdjson(resourcesOf(pages))) }),
  csv: (pages: Pages) => ({ type: 'text/csv' as const, body: inChunks(writeCsv(firstOfEach(pages))) }),
  ics: (pages: Pages) => ({ type: 'text/calendar' as const, body: inChunks(writeTodos(firstOfEach(pages), 'Taskspec')) }),
} satisfies Record<Format, unknown>

const readers = {
  'application/x-ndjson': readNdjson,
  'text/csv': readCsv,
  'text/calendar': readTodos,
} satisfies Record<Call<'importAccount'>['body']['type'], (source: Source, options: CsvOptions) => AsyncIterable<Row>>

export function createExchangeHandlers(db: Database) {
  const open = createExport(db)
  const load = createImport(db)
  const users = createUsers(db)

  return {
    /** A failure before the first page is read is a problem. After that, the body ends broken. */
    async exportAccount({ owner, claims, query: { format } }) {
      const form = forms[format](await open(owner, claims))
      const name = `taskspec-${new Date().toISOString().slice(0, 10)}.${format}`
      return { status: 200, headers: { 'Content-Disposition': `attachment; filename="${name}"` }, ...form }
    },

    /** The owner is the seed of ids, so that a file that was corrected changes the same tasks again. */
    async importAccount({ owner, claims, query: { dryRun }, body: { type, chunks }, operations }) {
      const [user] = await users.one(owner)
      const today = dayOf(new Date().toISOString(), user?.timeZone ?? 'UTC')
      const rows = readers[type](chunks, { today, seed: owner })
      const keepsOrphans = type === 'text/calendar' // programs write lists apart, and a parent may be in another one
      return { status: 200, body: await load({ owner, claims, operations }, rows, { dryRun, keepsOrphans }) }
    },
  } satisfies Partial<Handlers>
}

async function* resourcesOf(pages: Pages): AsyncGenerator<Resource, void> {
  for await (const { profile, categories = [], tasks } of pages) {
    if (profile !== undefined) yield { kind: 'profile', ...withoutRevision(profile) }
    for (const category of categories) yield { kind: 'category', ...withoutRevision(category) }
    for (const { category: _, ...task } of tasks) yield { kind: 'task', ...withoutRevision(task) }
  }
}

function withoutRevision<Row extends { revision: number }>({ revision: _, ...row }: Row): Omit<Row, 'revision'> {
  return row
}

/** For forms in which no later record can replace one that was written. */
async function* firstOfEach(pages: Pages): AsyncGenerator<NamedTask, void> {
  const written = new Set<string>()
  for await (const { tasks } of pages)
    for (const task of tasks) {
      if (written.has(task.id)) continue
      written.add(task.id)
      yield task
    }
}
