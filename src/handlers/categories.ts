import { randomUUIDv7 } from 'node:crypto'
import type { components } from '../../generated/api.ts'
import { Problem } from '../contract/problem.ts'
import type { Call, Handlers } from '../contract/types.ts'
import type { Database } from '../database/database.ts'
import { errorCode } from '../database/errors.ts'
import { type Part, sql } from '../database/sql.ts'
import { quota } from '../domain/quota.ts'
import { account } from '../domain/revision.ts'
import { created, etag, notModified, unchanged } from '../resource/etag.ts'
import { resource } from '../resource/item.ts'
import { madeUp, page, position } from '../resource/page.ts'

type Category = components['schemas']['Category']
type Patch = Call<'updateCategory'>['body']
type Listed = Category & { asOf: number }

export function categories(db: Database) {
  const { read, lookup, change } = db
  const { opening, opener, opened, changed, cleared, listed, revision } = account(db)
  const { hasRoom, within } = quota(db, 'categories')
  const columns = sql`c.id, c.name, c.color, c.position, c.revision, c.created_at, c.updated_at`
  const order = sql`position, id`
  const one = lookup({ owner: 'text', id: 'uuid' })<Category>`
    select ${columns}
    from categories as c
    where owner_id = asked.owner and id = asked.id and deleted_at is null`
  const firstPage = lookup({ owner: 'text', count: 'integer' }, order)<Listed>`
    ${inOrder(sql`asked.owner`, sql``, sql`asked.count`)}`

  const given = { name: 'text', color: 'text', position: 'integer' } as const
  const inserted = (allowed: Part) => sql`
    ${opened(allowed)}
    insert into categories as c (owner_id, id, name, color, position, revision)
    select change.owner_id, asked.id, asked.name, asked.color, asked.position, next
    from change join asked on asked.owner = change.owner_id`
  // What is there already, if only as a mark, needs no room.
  const room = sql`
    ${hasRoom} or exists (select from categories as c join asked on asked.owner = u.id
      where c.owner_id = asked.owner and c.id = asked.id)`
  const replaced = sql`
    ${inserted(room)}
    on conflict (owner_id, id) do update
    set name = excluded.name,
      color = excluded.color,
      position = excluded.position,
      revision = excluded.revision,
      created_at = case when c.deleted_at is null then c.created_at else now() end,
      updated_at = now(),
      deleted_at = null`
  const whole = { ...opening, id: 'uuid', ...given } as const
  const create = change(whole)<Category>`${inserted(hasRoom)} returning c.owner_id as owner, ${columns}`
  const replace = change(whole)<Category>`${replaced} returning c.owner_id as owner, ${columns}`
  const replaceMark = change(whole)<Category>`${replaced} where c.deleted_at is not null returning c.owner_id as owner, ${columns}`

  const row = sql`
    c.owner_id = asked.owner and c.id = asked.id and c.deleted_at is null
    and (asked.match is null or c.revision = any(asked.match))`
  const known = { owner: 'text', id: 'uuid', match: 'bigint[]' } as const
  // Null says that a field isn't given, but where it is among those to clear.
  const update = change({ ...known, ...given, cleared: 'text[]' })<Category>`
    ${changed(sql`select from categories as c where ${row}`)}
    update categories as c
    set name = coalesce(asked.name, c.name),
      color = case when 'color' = any(asked.cleared) then null else coalesce(asked.color, c.color) end,
      position = coalesce(asked.position, c.position),
      revision = next,
      updated_at = now()
    from change join asked on asked.owner = change.owner_id
    where ${row}
    returning c.owner_id as owner, ${columns}`
  // Marks the category and frees its tasks.
  const mark = change(known)<{ id: string }>`
    ${changed(sql`select from categories as c where ${row}`)},
    marked as (
      update categories as c
      set deleted_at = now(), revision = next, updated_at = now()
      from change join asked on asked.owner = change.owner_id
      where ${row}
      returning c.owner_id as owner, c.id, next),
    freed as (
      update tasks as t
      set category_id = null, revision = marked.next, updated_at = now()
      from marked join asked on asked.owner = marked.owner
      where t.owner_id = asked.owner and t.category_id = marked.id)
    select owner, id
    from marked`

  const { get, put, patch, remove } = resource('categories', {
    one,
    put: values => replace(values).catch(refused),
    putNew: values => replaceMark(values).catch(refused),
    update: (owner, id, match, body: Patch) => update({ ...body, owner, id, match, cleared: cleared(body) }).catch(refused),
    remove: (owner, id, match) => markAgain(owner, id, match),
    within,
  })

  return {
    async listCategories({ owner, query, headers }) {
      if (headers['if-none-match'] !== undefined) {
        const now = await revision(owner)
        if (unchanged(headers['if-none-match'], now)) return notModified(now)
      }
      const rows =
        query.cursor === undefined ? await firstPage({ owner, count: query.limit + 1 }) : await nextPage(owner, query.limit, query.cursor)
      const { asOf, body } = page(rows, query.limit, 'position', category => category.position)
      return { status: 200, headers: { ETag: etag(asOf) }, body }
    },

    async createCategory({ owner, claims, body }) {
      const values = { ...body, ...opener(owner, claims), id: randomUUIDv7() }
      return created(await within(owner, () => create(values).catch(refused)), owner, 'categories')
    },

    getCategory: ({ owner, path, headers }) => get(owner, path.categoryId, headers),

    putCategory({ owner, claims, path, headers, body }) {
      return put({ ...body, ...opener(owner, claims), id: path.categoryId }, body, headers)
    },

    updateCategory: ({ owner, path, headers, body }) => patch(owner, path.categoryId, body, headers),

    deleteCategory: ({ owner, path, headers }) => remove(owner, path.categoryId, headers),
  } satisfies Partial<Handlers>

  function nextPage(owner: string, limit: number, cursor: string) {
    const { key, id } = position(cursor, 'position')
    return read<Listed>`
      ${inOrder(sql`${owner}`, sql`and (position, id) > (${key}, ${id})`, sql`${limit + 1}`)}
      order by ${order}`.catch(madeUp)
  }

  function inOrder(owner: Part, beyond: Part, count: Part) {
    const page = sql`
      (
        select ${columns}
        from categories as c
        where owner_id = ${owner} and deleted_at is null ${beyond}
        order by ${order}
        limit ${count}) as c`
    return listed(owner, columns, page)
  }

  /** A task that joins the category meanwhile breaks the foreign key: then again. */
  async function markAgain(owner: string, id: string, match: number[] | null, tries = 5): Promise<{ id: string }[]> {
    try {
      return await mark({ owner, id, match })
    } catch (error) {
      if (errorCode(error) !== '23503' || tries === 1) throw error
      return markAgain(owner, id, match, tries - 1)
    }
  }
}

function refused(error: unknown): never {
  if (errorCode(error) !== '23505') throw error
  throw new Problem('conflict', {
    detail: 'Another category has this name, regardless of case.',
    errors: [{ pointer: '/name', location: 'body', code: 'taken', message: 'is the name of another category' }],
    cause: error,
  })
}
