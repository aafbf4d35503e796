import type { Handlers } from '../contract/types.ts'
import type { Database } from '../database/database.ts'
import { minuteOf } from '../domain/dates.ts'
import { createMoves } from '../domain/moves.ts'
import { createReminders } from '../domain/reminders.ts'
import { createTasks } from '../domain/tasks.ts'
import { listReply } from '../resource/etag.ts'
import { createItem } from '../resource/item.ts'
import type { ListCache } from '../resource/list-cache.ts'

export function createTaskHandlers(db: Database, lists: ListCache) {
  const tasks = createTasks(db)
  const moves = createMoves(db, tasks)
  const reminders = createReminders(db)
  const item = createItem('tasks', tasks)

  return {
    async listTasks({ owner, query, headers }) {
      const minute = minuteOf(query)
      const read = tasks.list(owner, query, minute)
      const page = minute === undefined ? lists.page(owner, query, tasks.currentRevision, read) : read
      return item.list(owner, headers, query.cursor, page, minute)
    },
    createTask: ({ owner, claims, headers, body }) => item.create('createTask', owner, claims, body, headers),
    getTask: ({ owner, path, headers }) => item.get(owner, path.taskId, headers),
    getTaskTree: async ({ owner, path, headers }) => listReply(headers, await tasks.tree(owner, path.taskId)),
    putTask: ({ owner, claims, path, headers, body }) => item.put(owner, claims, path.taskId, body, headers),
    updateTask: ({ owner, path, headers, body }) => item.patch(owner, path.taskId, body, headers),
    skipTask: ({ owner, path, headers }) => item.change(owner, path.taskId, headers, allowed => tasks.skip(owner, path.taskId, allowed)),
    listReminders: ({ owner, query, headers }) => item.list(owner, headers, query.cursor, () => reminders.list(owner, query)),
    moveTask: ({ owner, path, headers, body }) =>
      item.change(owner, path.taskId, headers, allowed => moves.move(owner, path.taskId, allowed, body)),
    deleteTask: ({ owner, path, headers }) => item.remove(owner, path.taskId, headers),
  } satisfies Partial<Handlers>
}
