import type { Handlers } from '../contract/types.ts'
import type { Database } from '../database/database.ts'
import { categories } from './categories.ts'
import { system } from './system.ts'
import { tasks } from './tasks.ts'
import { users } from './users.ts'

/** The roll call: an operation of the spec without a handler does not compile. */
export function createHandlers(db: Database, stopping: () => boolean): Handlers {
  return { ...users(db), ...categories(db), ...tasks(db), ...system(db, stopping) }
}
