// The fields of a category, and the statements on categories.
import type { components } from '../../generated/api.ts'
import { Problem } from '../contract/problem.ts'
import type { Call } from '../contract/types.ts'
import type { Database } from '../database/database.ts'
import { errorCode } from '../database/errors.ts'
import { type Part, sql } from '../database/sql.ts'
import { type Fields, nullable, required } from '../resource/fields.ts'
import { createPage, parseCursor, refuseCursor } from '../resource/page.ts'
import { mayUse } from './access.ts'
import { bumpRevision, withRevision } from './revision.ts'
import { createRows, current, matched } from './rows.ts'

type Category = components['schemas']['Category']
type Input = Call<'createCategory'>['body']
type Listed = Category & { asOf: number }

const fields: Fields<Input> = { name: required('text'), color: nullable('text'), position: required('integer') }
const sort = 'position'
const order = sql`position, id`
const maxAttempts = 5

export function createCategories(db: Database) {
  const { columns, ...rows } = createRows<Category, Input>(db, { name: 'categories', noun: 'category', fields, refuse })
  const firstPage = db.lookup(
    'select categories',
    { owner: 'text', count: 'integer' },
    order,
  )<Listed>(asked => pageOf(asked.owner, sql``, asked.count))
  // Leaves a tombstone, and takes the category from its tasks.
  const remove = db.change(
    'delete category',
    matched,
  )<{ id: string }>(
    (asked, callers) => sql`
      ${bumpRevision(asked, callers, sql`select from categories as item where ${current(asked)}`)},
      deleted as (
        update categories as item
        set deleted_at = now(), revision = next, updated_at = now()
        from change ${callers.join(sql`change.owner_id`)}
        where ${current(asked)}
        returning item.owner_id as owner, item.id, next),
      cleared as (
        update tasks as t
        set category_id = null, revision = deleted.next, updated_at = now()
        from deleted ${callers.join(sql`deleted.owner`)}
        where ${mayUse(sql`t.owner_id`, asked.owner)} and t.category_id = deleted.id)
      select owner, id
      from deleted`,
  )

  return {
    ...rows,

    /** A task that joins the category at the same time violates the foreign key: then the statement is repeated. */
    async remove(owner: string, id: string, match: number[] | null) {
      for (let attempt = 1; ; attempt++) {
        try {
          return await remove({ owner, id, match })
        } catch (error) {
          if (errorCode(error) !== '23503' || attempt === maxAttempts) throw error
        }
      }
    },

    /** A page of the categories, with the revision of the account at the same instant. */
    async page(owner: string, { limit, cursor }: Call<'listCategories'>['query']) {
      const found = cursor === undefined ? await firstPage({ owner, count: limit + 1 }) : await pageAfter(owner, limit, cursor)
      return createPage(found, limit, sort, category => category.position)
    },
  }

  function pageAfter(owner: string, limit: number, cursor: string) {
    const { key, id } = parseCursor(cursor, sort)
    const page = pageOf(sql`${owner}`, sql`and (position, id) > (${key}, ${id})`, sql`${limit + 1}`)
    return db.read<Listed>('select categories', sql`${page} order by ${order}`).catch(refuseCursor)
  }

  function pageOf(owner: Part, condition: Part, count: Part) {
    const page = sql`
      (
        select ${columns}
        from categories as item
        where ${mayUse(sql`owner_id`, owner)} and deleted_at is null ${condition}
        order by ${order}
        limit ${count}) as item`
    return withRevision(owner, columns, page)
  }
}

function refuse(error: unknown): never {
  if (errorCode(error) !== '23505') throw error
  throw new Problem('conflict', {
    detail: 'Another category has this name, regardless of case.',
    errors: [{ pointer: '/name', location: 'body', code: 'taken', message: 'is the name of another category' }],
    cause: error,
  })
}
