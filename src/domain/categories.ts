// The fields of a category, and the statements on categories.
import type { components } from '../../generated/api.ts'
import { Problem, unavailable } from '../contract/problem.ts'
import type { Call, Claims } from '../contract/types.ts'
import type { Database } from '../database/database.ts'
import { errorCode } from '../database/errors.ts'
import { sql } from '../database/sql.ts'
import type { Allowed } from '../resource/etag.ts'
import { type Fields, nullable, required } from '../resource/fields.ts'
import type { Guard } from '../resource/item.ts'
import { createPage, parseCursor, refuseCursor } from '../resource/page.ts'
import { mayUse } from './access.ts'
import { createBulk } from './bulk.ts'
import { inStep } from './order.ts'
import { createRows } from './rows.ts'
import { categoryKey } from './sort-key.ts'

export type Category = components['schemas']['Category']
type Input = Call<'createCategory'>['body']
type ListRow = Category & { asOf: number }

const fields: Fields<Input> = {
  name: required('text'),
  color: nullable('text'),
  position: required('integer'),
  sortKey: nullable('text', { shown: categoryKey(sql`item.`) }),
}
// Before 0.6.0 the list was in the order of `position`. A cursor has the name of its key, so no release misreads one of another.
const sort = 'sortKey'
const key = categoryKey(sql``)
const order = sql`${key}, id`
const maxAttempts = 5

export function createCategories(db: Database) {
  const all = createRows<Category, Input>(db, {
    name: 'categories',
    noun: 'category',
    fields,
    refuse,
    // The tasks of the category keep no reference to it.
    afterDelete: (asked, callers) => sql`,
      cleared as (
        update tasks as t
        set category_id = null, revision = deleted.next, updated_at = ${callers.now}
        from deleted ${callers.join(sql`deleted.owner`)}
        where ${mayUse(sql`t.owner_id`, asked.owner)} and t.category_id = deleted.id)`,
  })
  const { page, ...rows } = all
  const insertAll = createBulk(db, 'categories', all)
  const firstPage = db.lookup(
    'select categories',
    { owner: 'text', count: 'integer' },
    order,
  )<ListRow>(asked => page(asked.owner, sql``, order, asked.count))

  return {
    ...rows,

    create: (owner: string, claims: Claims, id: string, input: Input, guard?: Guard) =>
      rows.create(owner, claims, id, inStep(input), guard),
    add: (owner: string, claims: Claims, id: string, input: Input) => rows.add(owner, claims, id, inStep(input)),
    update: (owner: string, id: string, allowed: Allowed, patch: Partial<Input>) => rows.update(owner, id, allowed, inStep(patch)),

    /** See `createBulk`. */
    addAll: (owner: string, inputs: (Input & { id: string })[]) =>
      insertAll(
        owner,
        inputs.map(each => inStep(each)),
      ),

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
      return createPage(found, limit, sort, category => category.sortKey)
    },
  }

  function pageAfter(owner: string, limit: number, cursor: string) {
    const from = parseCursor(cursor, sort)
    const text = page(sql`${owner}`, sql`and (${key}, id) > (${from.key}, ${from.id})`, order, sql`${limit + 1}`)
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
