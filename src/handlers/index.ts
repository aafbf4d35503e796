import { document } from '../contract/document.ts'
import type { Handlers, OpenEvents } from '../contract/types.ts'
import type { Database } from '../database/database.ts'
import { createExpiry } from '../domain/expiry.ts'
import { createReplies } from '../domain/replies.ts'
import { accountLock } from '../domain/revision.ts'
import { createWatch } from '../domain/watch.ts'
import { createWebhookQueue } from '../domain/webhook-queue.ts'
import type { ListCache } from '../resource/list-cache.ts'
import { createBatchHandlers } from './batch.ts'
import { createCalendarHandlers } from './calendars.ts'
import { createCategoryHandlers } from './categories.ts'
import { createExchangeHandlers } from './exchange.ts'
import { createLabelHandlers } from './labels.ts'
import { createSummaryHandlers } from './summary.ts'
import { createSyncHandlers } from './sync.ts'
import { createSystemHandlers } from './system.ts'
import { createTaskHandlers } from './tasks.ts'
import { createTrashHandlers } from './trash.ts'
import { createUserHandlers } from './users.ts'
import { createWebhookHandlers } from './webhooks.ts'

/** The API of this product. */
export const api = {
  document,
  handlers: createHandlers,
  ownerLock: accountLock,
  expiry: createExpiry,
  watch: createWatch,
  replies: createReplies,
  webhooks: createWebhookQueue,
}

/** The parts of a process that handlers use. */
export type Surroundings = {
  /** Aborts when the process begins to stop. */
  stopping: AbortSignal
  /** as in the settings */
  publicUrl: string | null
  privateWebhooks: boolean
  /** pages in memory */
  lists: ListCache
  openEvents: OpenEvents
}

/** All operations: one of the spec without a handler does not compile. */
export function createHandlers(db: Database, surroundings: Surroundings): Handlers {
  const { stopping, publicUrl, privateWebhooks, lists, openEvents } = surroundings
  return {
    ...createUserHandlers(db),
    ...createCategoryHandlers(db),
    ...createTaskHandlers(db, lists),
    ...createLabelHandlers(db),
    ...createSummaryHandlers(db),
    ...createTrashHandlers(db),
    ...createBatchHandlers(db),
    ...createExchangeHandlers(db),
    ...createCalendarHandlers(db, publicUrl),
    ...createSyncHandlers(db, openEvents),
    ...createWebhookHandlers(db, privateWebhooks),
    ...createSystemHandlers(db, stopping, publicUrl),
  }
}
