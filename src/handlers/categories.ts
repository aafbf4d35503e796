import { randomUUIDv7 } from 'node:crypto'
import type { Handlers } from '../contract/types.ts'
import type { Database } from '../database/database.ts'
import { createCategories } from '../domain/categories.ts'
import { createRevision } from '../domain/revision.ts'
import { etag, unlessUnchanged } from '../resource/etag.ts'
import { createItem } from '../resource/item.ts'

export function createCategoryHandlers(db: Database) {
  const categories = createCategories(db)
  const item = createItem('categories', categories)
  const currentRevision = createRevision(db)

  return {
    async listCategories({ owner, query, headers }) {
      return unlessUnchanged(
        headers['if-none-match'],
        () => currentRevision(owner),
        async () => {
          const { revision, body } = await categories.page(owner, query)
          return { status: 200, headers: { ETag: etag(revision) }, body } as const
        },
      )
    },

    createCategory: ({ owner, claims, body }) => item.create(owner, claims, randomUUIDv7(), body),
    getCategory: ({ owner, path, headers }) => item.get(owner, path.categoryId, headers),
    putCategory: ({ owner, claims, path, headers, body }) => item.put(owner, claims, path.categoryId, body, headers),
    updateCategory: ({ owner, path, headers, body }) => item.patch(owner, path.categoryId, body, headers),
    deleteCategory: ({ owner, path, headers }) => item.remove(owner, path.categoryId, headers),
  } satisfies Partial<Handlers>
}
