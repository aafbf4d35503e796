import type { Call, Handlers } from '../contract/types.ts'
import type { Database } from '../database/database.ts'
import { createExport, type ExportPage } from '../domain/export.ts'
import { writeTodos } from '../exchange/calendar.ts'
import { inChunks } from '../exchange/chunks.ts'
import { writeCsv } from '../exchange/csv.ts'
import type { NamedTask } from '../exchange/item.ts'
import { type Resource, writeNdjson } from '../exchange/ndjson.ts'

type Pages = AsyncIterable<ExportPage>
type Format = NonNullable<Call<'exportAccount'>['query']['format']>

const forms = {
  ndjson: (pages: Pages) => ({ type: 'application/x-ndjson' as const, body: inChunks(writeNdjson(resourcesOf(pages))) }),
  csv: (pages: Pages) => ({ type: 'text/csv' as const, body: inChunks(writeCsv(firstOfEach(pages))) }),
  ics: (pages: Pages) => ({ type: 'text/calendar' as const, body: inChunks(writeTodos(firstOfEach(pages), 'Taskspec')) }),
} satisfies Record<Format, unknown>

export function createExchangeHandlers(db: Database) {
  const open = createExport(db)

  return {
    /** What fails before the first page is read is a problem; after it, the body ends broken. */
    async exportAccount({ owner, claims, query: { format } }) {
      const form = forms[format](await open(owner, claims))
      const name = `taskspec-${new Date().toISOString().slice(0, 10)}.${format}`
      return { status: 200, headers: { 'Content-Disposition': `attachment; filename="${name}"` }, ...form }
    },
  } satisfies Partial<Handlers>
}

async function* resourcesOf(pages: Pages): AsyncGenerator<Resource, void> {
  for await (const { profile, categories = [], tasks } of pages) {
    if (profile !== undefined) yield { kind: 'profile', ...profile }
    for (const category of categories) yield { kind: 'category', ...category }
    for (const { category: _, ...task } of tasks) yield { kind: 'task', ...task }
  }
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
