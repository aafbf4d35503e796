import { randomUUIDv7 } from 'node:crypto'
import type { components } from '../../generated/api.ts'
import { account } from '../account.ts'
import { created, etag, failed, missed, mustMatch, notModified, revisions, shown, shownIfNew, unchanged } from '../conditional.ts'
import type { Call, Handlers } from '../contract.ts'
import { type Database, errorCode } from '../db.ts'
import { madeUp, page, position } from '../page.ts'
import { found, Problem } from '../problem.ts'
import { quota } from '../quota.ts'
import { type Part, sql } from '../sql.ts'

type Category = components['schemas']['Category']
type Patch = Call<'updateCategory'>['body']
type Listed = Category & { asOf: number }

export function categories(db: Database) {
  const { read, lookup, change } = db
  const { opening, opener, opened, changed, listed, revision } = account(db)
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
  const put = change(whole)<Category>`${replaced} returning c.owner_id as owner, ${columns}`
  const putNew = change(whole)<Category>`${replaced} where c.deleted_at is not null returning c.owner_id as owner, ${columns}`

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

    async getCategory({ owner, path, headers }) {
      return shownIfNew(found(await one({ owner, id: path.categoryId })), headers['if-none-match'])
    },

    async putCategory({ owner, claims, path, headers, body }) {
      const id = path.categoryId
      const mustBeNew = async () => {
        const taken = headers['if-none-match'] === undefined ? [] : await one({ owner, id })
        if (taken.length > 0) throw failed(taken)
      }
      await mustBeNew() // the statement below would leave it alone too, and yet count a change
      if (headers['if-match'] !== undefined) {
        const [category] = await patch(owner, id, revisions(headers['if-match']), body)
        if (category === undefined) throw failed(await one({ owner, id }))
        return shown(category)
      }
      const send = headers['if-none-match'] === undefined ? put : putNew
      const values = { ...body, ...opener(owner, claims), id }
      const category = await within(owner, () => send(values).catch(refused), mustBeNew)
      // A row that was just made has one instant for both.
      return category.createdAt === category.updatedAt ? created(category, owner, 'categories') : shown(category)
    },

    async updateCategory({ owner, path, headers, body }) {
      const match = revisions(headers['if-match'])
      const current = () => one({ owner, id: path.categoryId })
      if (Object.keys(body).length === 0) {
        const category = found(await current())
        mustMatch(match, category)
        return shown(category)
      }
      const [category] = await patch(owner, path.categoryId, match, body)
      return shown(category ?? (await missed(match, current)))
    },

    async deleteCategory({ owner, path, headers }) {
      const match = revisions(headers['if-match'])
      const [category] = await remove(owner, path.categoryId, match)
      if (category === undefined) await missed(match, () => one({ owner, id: path.categoryId }))
      return { status: 204 }
    },
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

  function patch(owner: string, id: string, match: number[] | null, body: Patch) {
    const cleared = Object.entries(body).flatMap(([name, value]) => (value === null ? name : []))
    return update({ ...body, owner, id, match, cleared }).catch(refused)
  }

  /** A task that joins the category meanwhile breaks the foreign key: then again. */
  async function remove(owner: string, id: string, match: number[] | null, tries = 5): Promise<{ id: string }[]> {
    try {
      return await mark({ owner, id, match })
    } catch (error) {
      if (errorCode(error) !== '23503' || tries === 1) throw error
      return remove(owner, id, match, tries - 1)
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
