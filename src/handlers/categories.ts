import type { Handlers } from '../contract/types.ts'
import type { Database } from '../database/database.ts'
import { createCategories } from '../domain/categories.ts'
import { createItem } from '../resource/item.ts'

export function createCategoryHandlers(db: Database) {
  const categories = createCategories(db)
  const item = createItem('categories', categories)

  return {
    listCategories: ({ owner, query, headers }) => item.list(owner, headers, query.cursor, () => categories.list(owner, query)),
    createCategory: ({ owner, claims, headers, body }) => item.create('createCategory', owner, claims, body, headers),
    getCategory: ({ owner, path, headers }) => item.get(owner, path.categoryId, headers),
    putCategory: ({ owner, claims, path, headers, body }) => item.put(owner, claims, path.categoryId, body, headers),
    updateCategory: ({ owner, path, headers, body }) => item.patch(owner, path.categoryId, body, headers),
    deleteCategory: ({ owner, path, headers }) => item.remove(owner, path.categoryId, headers),
  } satisfies Partial<Handlers>
}
