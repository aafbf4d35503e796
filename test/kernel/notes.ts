// A second API on the layers of the product: notes, on http, pipeline, resource and database alone.
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import type { AnyHandlers } from '../../src/contract/types.ts'
import type { Database } from '../../src/database/database.ts'
import { type Part, sql } from '../../src/database/sql.ts'
import { columnsOf, createFields, required } from '../../src/resource/fields.ts'
import { createItem, type Rows } from '../../src/resource/item.ts'
import { createPage, parseCursor, refuseCursor } from '../../src/resource/page.ts'

type Note = { id: string; text: string; revision: number; createdAt: string; updatedAt: string }
type Caller = { owner: string; claims: never }
type Call = Caller & { path: { noteId: string }; query: { limit: number; cursor?: string }; headers: object; body: Input }

type Input = { text: string }
const fields = createFields<Input>({ text: required('text') })
const columns = columnsOf(['id', ...fields.shown, 'revision', 'createdAt', 'updatedAt'])
const matched = { owner: 'text', id: 'uuid', match: 'bigint[]', except: 'bigint[]' } as const
const row = (asked: Record<'owner' | 'id' | 'match' | 'except', Part>) => sql`
  item.owner_id = ${asked.owner} and item.id = ${asked.id} and item.deleted_at is null
  and (${asked.match} is null or item.revision = any(${asked.match})) and (${asked.except} is null or item.revision <> all(${asked.except}))`

function createNotes({ lookup, change }: Database): Rows<Note, Input> {
  const one = lookup('select note', { owner: 'text', id: 'uuid' })<Note>(
    asked => sql`
      select ${columns} from notes as item
      where item.owner_id = ${asked.owner} and item.id = ${asked.id} and item.deleted_at is null`,
  )
  const create = change('insert note', { owner: 'text', id: 'uuid', ...fields.types })<Note>(
    (asked, callers) => sql`
      change as (
        insert into owners as o (id, revision) select ${asked.owner}, 1 ${callers.from}
        on conflict (id) do update set revision = o.revision + 1 returning o.id as owner_id, o.revision as next)
      insert into notes as item (owner_id, id, ${fields.columns}, revision)
      select change.owner_id, ${asked.id}, ${fields.inserted(asked)}, next from change ${callers.join(sql`change.owner_id`)}
      returning item.owner_id as owner, ${columns}`,
  )
  const alter = (name: string, set: (asked: Record<string, Part>) => Part) =>
    change(name, { ...fields.types, ...matched, cleared: 'text[]' })<Note>(
      (asked, callers) => sql`
        change as (
          update owners as o set revision = o.revision + 1 ${callers.from}
          where o.id = ${asked.owner} and exists (select from notes as item where ${row(asked)})
          returning o.id as owner_id, o.revision as next)
        update notes as item set ${set(asked)}, revision = next, updated_at = now()
        from change ${callers.join(sql`change.owner_id`)} where ${row(asked)}
        returning item.owner_id as owner, ${columns}`,
    )
  const update = alter('update note', asked => fields.updated(asked, asked.cleared as Part))
  const remove = alter('delete note', () => sql`deleted_at = now()`)
  const select = sql`select revision from owners where id =`
  const revision = lookup('select revision', { owner: 'text' })<{ revision: number }>(asked => sql`${select} ${asked.owner}`)
  return {
    currentRevision: async owner => (await revision({ owner }))[0]?.revision ?? 0,
    one: (owner, id) => one({ owner, id }),
    made: async () => [], // no operation of notes takes an Idempotency-Key
    create: async (owner, _, id, input) => (await create({ owner, id, ...input }))[0] as Note,
    add: () => Promise.reject(new Error('notes have no PUT')),
    update: (owner, id, allowed, patch) => update({ owner, id, ...allowed, ...patch }),
    remove: (owner, id, allowed) => remove({ owner, id, ...allowed }),
  }
}

function handlers(db: Database): AnyHandlers {
  const item = createItem('notes', createNotes(db))
  return {
    listNotes({ owner, headers, query: { limit, cursor } }: Call) {
      const after = cursor === undefined ? sql`` : sql`and item.id > ${parseCursor(cursor, 'id').id}`
      const page = sql`
        select ${columns}, (select revision from owners where id = ${owner}) as as_of from notes as item
        where item.owner_id = ${owner} and item.deleted_at is null ${after} order by item.id limit ${limit + 1}`
      const read = () => db.read<Note & { asOf: number }>('select notes', page).catch(refuseCursor)
      return item.list(owner, headers, cursor, async () => createPage(await read(), limit, 'id', () => null))
    },
    createNote: ({ owner, claims, headers, body }: Call) => item.create('createNote', owner, claims, body, headers),
    getNote: ({ owner, path, headers }: Call) => item.get(owner, path.noteId, headers),
    updateNote: ({ owner, path, headers, body }: Call) => item.patch(owner, path.noteId, body, headers),
    deleteNote: ({ owner, path, headers }: Call) => item.remove(owner, path.noteId, headers),
  }
}

export const api = {
  document: parse(readFileSync(new URL('notes.yaml', import.meta.url), 'utf8'), { maxAliasCount: -1 }),
  handlers,
  ownerLock: (owner: Part) => sql`select from owners where id = ${owner} for no key update skip locked`,
  migrations: new URL('migrations/', import.meta.url),
}
