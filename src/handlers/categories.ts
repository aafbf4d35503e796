import { randomUUIDv7 } from 'node:crypto'
import type { components } from '../../generated/api.ts'
import { account } from '../account.ts'
import type { Claims } from '../auth.ts'
import { created, etag, failed, missed, mustMatch, notModified, revisions, shown, shownIfNew, unchanged } from '../conditional.ts'
import type { Call, Handlers } from '../contract.ts'
import { type Database, errorCode } from '../db.ts'
import { madeUp, page, position } from '../page.ts'
import { found, Problem } from '../problem.ts'
import { assigned, type Part, sql } from '../sql.ts'

type Category = components['schemas']['Category']
type Input = Call<'createCategory'>['body']
type Patch = Call<'updateCategory'>['body']
type Listed = Category & { asOf: number }

export function categories(db: Database) {
  const { read, lookup, write } = db
  const { opened, changed, listed, revision } = account(db)
  const columns = sql`id, name, color, position, revision, created_at, updated_at`
  const order = sql`position, id`
  const one = lookup({ owner: 'text', id: 'uuid' })<Category>`
    select ${columns}
    from categories
    where owner_id = asked.owner and id = asked.id and deleted_at is null`
  const firstPage = lookup({ owner: 'text', count: 'integer' }, order)<Listed>`
    ${inOrder(sql`asked.owner`, sql``, sql`asked.count`)}`

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
      const rows = await write<Category>`
        ${inserted(owner, claims, randomUUIDv7(), body)}
        returning ${columns}`.catch(refused)
      return created(found(rows), owner, 'categories')
    },

    async getCategory({ owner, path, headers }) {
      return shownIfNew(found(await one({ owner, id: path.categoryId })), headers['if-none-match'])
    },

    async putCategory({ owner, claims, path, headers, body }) {
      const id = path.categoryId
      if (headers['if-none-match'] !== undefined) {
        // The statement below would leave it alone too, and yet count a change.
        const taken = await one({ owner, id })
        if (taken.length > 0) throw failed(taken)
      }
      if (headers['if-match'] !== undefined) {
        const [category] = await change(owner, id, revisions(headers['if-match']), body)
        if (category === undefined) throw failed(await one({ owner, id }))
        return shown(category)
      }
      const [category] = await write<Category>`
        ${inserted(owner, claims, id, body)}
        on conflict (owner_id, id) do update
        set name = excluded.name,
          color = excluded.color,
          position = excluded.position,
          revision = excluded.revision,
          created_at = case when c.deleted_at is null then c.created_at else now() end,
          updated_at = now(),
          deleted_at = null
        ${headers['if-none-match'] === undefined ? sql`` : sql`where c.deleted_at is not null`}
        returning ${columns}`.catch(refused)
      if (category === undefined) throw failed(await one({ owner, id }))
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
      const [category] = await change(owner, path.categoryId, match, body)
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
    const rows = sql`
      select ${columns}
      from categories
      where owner_id = ${owner} and deleted_at is null ${beyond}
      order by ${order}
      limit ${count}`
    return listed(owner, columns, rows)
  }

  function inserted(owner: string, claims: Claims, id: string, { name, color, position }: Input) {
    return sql`
      with ${opened(owner, claims)}
      insert into categories as c (owner_id, id, name, color, position, revision)
      select owner_id, ${id}, ${name}, ${color}, ${position}, next
      from change`
  }

  function change(owner: string, id: string, match: number[] | null, fields: Patch) {
    return write<Category>`
      with ${changed(owner, row(owner, id, match))}
      update categories
      set ${assigned(fields)}, revision = change.next, updated_at = now()
      from change
      where owner_id = ${owner} and id = ${id} and deleted_at is null ${matching(match)}
      returning ${columns}`.catch(refused)
  }

  /** Marks the category and frees its tasks. A task that joins it meanwhile breaks the foreign key: then again. */
  async function remove(owner: string, id: string, match: number[] | null, tries = 5): Promise<{ id: string }[]> {
    try {
      return await write<{ id: string }>`
        with ${changed(owner, row(owner, id, match))},
        marked as (
          update categories
          set deleted_at = now(), revision = change.next, updated_at = now()
          from change
          where owner_id = ${owner} and id = ${id} and deleted_at is null ${matching(match)}
          returning id),
        freed as (
          update tasks
          set category_id = null, revision = change.next, updated_at = now()
          from change, marked
          where tasks.owner_id = ${owner} and tasks.category_id = marked.id)
        select id
        from marked`
    } catch (error) {
      if (errorCode(error) !== '23503' || tries === 1) throw error
      return remove(owner, id, match, tries - 1)
    }
  }

  function row(owner: string, id: string, match: number[] | null) {
    return sql`
      select
      from categories
      where owner_id = ${owner} and id = ${id} and deleted_at is null ${matching(match)}`
  }

  function matching(match: number[] | null) {
    return match === null ? sql`` : sql`and categories.revision = any(${match}::bigint[])`
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
