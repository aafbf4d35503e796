// Readers of the list of changes, and the copies of an account that they keep.
import { expect } from 'vitest'
import type { components } from '../../generated/api.ts'
import { kinds } from '../../src/domain/changes.ts'
import type { Client } from './client.ts'

export type Ann = Client & { id: string }
export type Page = components['schemas']['ChangePage']
type Change = Page['items'][number]
type Query = { limit?: number; cursor?: string }
/** The resources by kind and id. */
type Copy = Map<string, Change['resource']>
/** A copy with the cursor that leads on from it, and the last change in it; without any, of a reader that has not read yet. */
export type Kept = { copy: Copy; cursor?: string; last?: Change | undefined }

/** The pages from a cursor on until there is no more, and their items. */
export async function follow(ann: Client, { cursor, ...query }: Query = {}) {
  const pages: Page[] = []
  do {
    const from = pages.at(-1)?.nextCursor ?? cursor
    pages.push((await ann.listChanges({ query: { ...query, ...(from !== undefined && { cursor: from }) } }, 200)).body)
  } while (pages.at(-1)?.hasMore)
  return { pages, last: pages.at(-1) as Page, items: pages.flatMap(({ items }) => items) }
}

/** Applies a page to a copy. The changes of a walk are in order, and none comes twice. */
export function applied({ copy, last: before }: Kept, { items, nextCursor }: Page): Kept {
  const next = new Map(copy)
  let last = before
  for (const change of items) {
    const { kind, id, revision, deletedAt, resource } = change
    if (last !== undefined) expect(order(change) > order(last), `${order(last)} before ${order(change)}`).toBe(true)
    expect(resource === null).toBe(deletedAt !== null)
    if (resource === null) next.delete(`${kind} ${id}`)
    else {
      expect([resource.id, resource.revision]).toEqual([id, revision])
      next.set(`${kind} ${id}`, resource)
    }
    last = change
  }
  return { copy: next, cursor: nextCursor, last }
}

const order = ({ revision, kind, id }: Change) => `${String(revision).padStart(16)} ${kinds.indexOf(kind)} ${id}`

/** The account as the other operations show it. */
export async function shown(ann: Ann): Promise<Copy> {
  const { body: user } = await ann.getUser()
  const categories = await all(query => ann.listCategories({ query }))
  const tasks = await all(query => ann.listTasks({ query }))
  const calendars = await all(query => ann.listCalendars({ query }))
  const entries = (kind: Change['kind'], rows: { id: string }[]) => rows.map(row => [`${kind} ${row.id}`, row] as const)
  const every = [entries('user', [user]), entries('category', categories), entries('task', tasks), entries('calendar', calendars)]
  return new Map(every.flat() as [string, Change['resource']][])
}

type Listed<Row> = { body: { items: Row[]; nextCursor: string | null } }

async function all<Row>(list: (query: { limit: number; cursor?: string }) => Promise<Listed<Row>>): Promise<Row[]> {
  const rows: Row[] = []
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const { body } = await list({ limit: 100, ...(cursor !== undefined && { cursor }) })
    rows.push(...body.items)
    cursor = body.nextCursor
  }
  return rows
}

/** The copy by kind and id, for a comparison. */
export const sorted = (copy: Copy): [string, Change['resource']][] => [...copy].sort(([a], [b]) => (a < b ? -1 : 1))
