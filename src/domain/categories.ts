// The fields of a category, and the statements on categories.
import type { components } from '../../generated/api.ts'
import { Problem, unavailable } from '../contract/problem.ts'
import type { Call } from '../contract/types.ts'
import type { Database } from '../database/database.ts'
import { errorCode } from '../database/errors.ts'
import { sql } from '../database/sql.ts'
import type { Allowed } from '../resource/etag.ts'
import { type Fields, nullable, required } from '../resource/fields.ts'
import { createPage, parseCursor, refuseCursor } from '../resource/page.ts'
import { mayUse } from './access.ts'
import { createRows } from './rows.ts'

type Category = components['schemas']['Category']
type Input = Call<'createCategory'>['body']
type ListRow = Category & { asOf: number }

const fields: Fields<Input> = { name: required('text'), color: nullable('text'), position: required('integer') }
const sort = 'position'
const order = sql`position, id`
const maxAttempts = 5

export function createCategories(db: Database) {
  const { page, ...rows } = createRows<Category, Input>(db, {
    name: 'categories',
    noun: 'category',
    fields,
    refuse,
    // The tasks of the category keep no reference to it.
    afterDelete: (asked, callers) => sql`,
      cleared as (
        update tasks as t
        set category_id = null, revision = deleted.next, updated_at = now()
        from deleted ${callers.join(sql`deleted.owner`)}
        where ${mayUse(sql`t.owner_id`, asked.owner)} and t.category_id = deleted.id)`,
  })
  const firstPage = db.lookup(
    'select categories',
    { owner: 'text', count: 'integer' },
    order,
  )<ListRow>(asked => page(asked.owner, sql``, order, asked.count))

  return {
    ...rows,

    /** A task that joins the category at the same time violates the foreign key: then the statement is repeated. */
    async remove(owner: string, id: string, allowed: Allowed) {
      for (let attempt = 1; ; attempt++) {
        try {
          return await rows.remove(owner, id, allowed)
        } catch (error) {
          if (errorCode(error) !== '23503') throw error
          if (attempt === maxAttempts) throw unavailable('Too many tasks join this category at the same time. Try again shortly.', error)
        }
      }
    },

    /** A page of the categories, with the revision of the account at the same instant. */
    async list(owner: string, { limit, cursor }: Call<'listCategories'>['query']) {
      const found = cursor === undefined ? await firstPage({ owner, count: limit + 1 }) : await pageAfter(owner, limit, cursor)
      return createPage(found, limit, sort, category => category.position)
    },
  }

  function pageAfter(owner: string, limit: number, cursor: string) {
    const { key, id } = parseCursor(cursor, sort)
    const text = page(sql`${owner}`, sql`and (position, id) > (${key}, ${id})`, order, sql`${limit + 1}`)
    return db.read<ListRow>('select categories', sql`${text} order by ${order}`).catch(refuseCursor)
  }
}

function refuse(error: unknown): never {
  if (errorCode(error) !== '23505') throw error
  throw new Problem('conflict', {
    detail: 'Another category has this name, or one that looks alike.',
    errors: [{ pointer: '/name', location: 'body', code: 'taken', message: 'looks like the name of another category' }],
    cause: error,
  })
}
