import type { Handlers } from '../contract/types.ts'
import type { Database } from '../database/database.ts'
import { createCategoryHandlers } from './categories.ts'
import { createSystemHandlers } from './system.ts'
import { createTaskHandlers } from './tasks.ts'
import { createUserHandlers } from './users.ts'

/** All operations: one of the spec without a handler does not compile. */
export function createHandlers(db: Database, stopping: () => boolean): Handlers {
  return { ...createUserHandlers(db), ...createCategoryHandlers(db), ...createTaskHandlers(db), ...createSystemHandlers(db, stopping) }
}
