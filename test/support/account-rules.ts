// What holds in every account, whatever the order of its changes was. Read from the tables, because no reply shows tombstones.
import { expect } from 'vitest'
import type { Service } from './taskspec.ts'

type Row = {
  id: string
  parentId: string | null
  depth: number
  categoryId: string | null
  completed: boolean
  labels: string[]
  revision: number
  updatedAt: string
  deletedAt: string | null
}
type Category = Pick<Row, 'id' | 'revision' | 'updatedAt' | 'deletedAt'>
export type Rows = { account: { revision: number; start: number; floor: number }; tasks: Row[]; categories: Category[] }

const maxDepth = 7

export async function rowsOf({ sql }: Service, owner: string): Promise<Rows> {
  const [account] = await sql<Rows['account'][]>`
    select revision::float, start_revision::float as start, coalesce(purged_revision, 0)::float as floor from users where id = ${owner}`
  const tasks = await sql<Row[]>`
    select id, parent_id as "parentId", depth, category_id as "categoryId", completed, labels, revision::float,
      updated_at::text as "updatedAt", deleted_at::text as "deletedAt"
    from tasks where owner_id = ${owner}`
  const categories = await sql<Category[]>`
    select id, revision::float, updated_at::text as "updatedAt", deleted_at::text as "deletedAt" from categories where owner_id = ${owner}`
  return { account: account as Rows['account'], tasks, categories }
}

/** Expects that the account keeps every rule, and returns its rows. */
export async function expectRules(service: Service, owner: string): Promise<Rows> {
  const rows = await rowsOf(service, owner)
  expect([...brokenPlaces(rows), ...brokenTrash(rows), ...brokenRevisions(rows)]).toEqual([])
  return rows
}

/** Expects that the live tasks of an account are trees. */
export async function expectTrees(service: Service, owner: string): Promise<void> {
  expect(brokenPlaces(await rowsOf(service, owner))).toEqual([])
}

/** The rules that rows break. A live subtask has a live parent, and is one deeper in the same category. A category of a task is live. */
export function brokenPlaces({ tasks, categories }: Rows): string[] {
  const live = new Map(tasks.filter(({ deletedAt }) => deletedAt === null).map(task => [task.id, task]))
  const isLive = (id: string | null) => id === null || categories.some(each => each.id === id && each.deletedAt === null)
  const places = [...live.values()].flatMap(task => {
    const parent = task.parentId === null ? { depth: -1, categoryId: task.categoryId } : live.get(task.parentId)
    if (parent === undefined) return `${task.id} has no parent`
    if (task.depth !== parent.depth + 1 || task.depth > maxDepth) return `${task.id} is at depth ${task.depth} below ${parent.depth}`
    return task.categoryId === parent.categoryId ? [] : `${task.id} is in another category than its parent`
  })
  const homes = tasks.filter(({ categoryId }) => !isLive(categoryId)).map(({ id }) => `${id} is in a category that was deleted`)
  return [...places, ...homes]
}

/** Tasks that were deleted together are a tree in one category: so the item can come back as it was. */
export function brokenTrash({ tasks }: Rows): string[] {
  const deleted = tasks.filter(({ deletedAt }) => deletedAt !== null)
  return deleted.flatMap(task => {
    const parent = deleted.find(({ id, deletedAt }) => id === task.parentId && deletedAt === task.deletedAt)
    if (parent === undefined) return []
    if (task.depth !== parent.depth + 1) return `${task.id} in the trash is at depth ${task.depth} below ${parent.depth}`
    return task.categoryId === parent.categoryId ? [] : `${task.id} in the trash is in another category than its parent`
  })
}

/** No row is newer than the account, and rows of one revision are of one change: their instants are some microseconds apart at most. */
export function brokenRevisions({ account, tasks, categories }: Rows): string[] {
  const rows = [...tasks, ...categories]
  const outside = rows.filter(({ revision }) => revision <= account.start || revision > account.revision)
  const changes = Object.entries(Object.groupBy(rows, ({ revision }) => revision))
  const split = changes.filter(([, of = []]) => span(of.map(({ updatedAt }) => Date.parse(updatedAt.replace('+00', 'Z')))) > 1)
  return [
    ...outside.map(({ id, revision }) => `${id} has the revision ${revision} in an account of ${account.start} to ${account.revision}`),
    ...split.map(([revision]) => `two changes have the revision ${revision}`),
    ...(account.floor > account.revision ? ['the floor is above the revision'] : []),
  ]
}

const span = (all: number[]) => Math.max(...all) - Math.min(...all)
