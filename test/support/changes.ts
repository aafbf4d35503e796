// Readers of the list of changes.
import type { components } from '../../generated/api.ts'
import type { Client } from './client.ts'

export type Ann = Client & { id: string }
export type Page = components['schemas']['ChangePage']
type Query = { limit?: number; cursor?: string }

/** The pages from a cursor on until there is no more, and their items. */
export async function follow(ann: Client, { cursor, ...query }: Query = {}) {
  const pages: Page[] = []
  do {
    const from = pages.at(-1)?.nextCursor ?? cursor
    pages.push((await ann.listChanges({ query: { ...query, ...(from !== undefined && { cursor: from }) } }, 200)).body)
  } while (pages.at(-1)?.hasMore)
  return { pages, last: pages.at(-1) as Page, items: pages.flatMap(({ items }) => items) }
}
