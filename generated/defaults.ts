// Generated from openapi.yaml by `npm run generate`. Do not edit.
export interface Defaults {
  listCategories: { query: 'limit' }
  createCategory: { body: 'color' | 'position' | 'sortKey' }
  putCategory: { body: 'color' | 'position' | 'sortKey' }
  listTasks: { query: 'sort' | 'limit' }
  createTask: { body: 'description' | 'completed' | 'priority' | 'categoryId' | 'parentId' | 'sortKey' | 'dueDate' | 'dueTime' | 'startDate' | 'deadlineDate' | 'durationMinutes' | 'timeZone' | 'labels' | 'reminders' | 'recurrence' }
  putTask: { body: 'description' | 'completed' | 'priority' | 'categoryId' | 'parentId' | 'sortKey' | 'dueDate' | 'dueTime' | 'startDate' | 'deadlineDate' | 'durationMinutes' | 'timeZone' | 'labels' | 'reminders' | 'recurrence' }
  listLabels: { query: 'limit' }
  listReminders: { query: 'from' | 'to' | 'limit' }
  listTrash: { query: 'limit' }
  runBatch: { body: 'atomic' }
  exportAccount: { query: 'format' }
  importAccount: { query: 'dryRun' }
  listChanges: { query: 'limit' }
  listCalendars: { query: 'limit' }
  createCalendar: { body: 'kind' | 'categoryIds' | 'labels' }
  listWebhooks: { query: 'limit' }
  createWebhook: { body: 'kinds' | 'enabled' }
  listWebhookDeliveries: { query: 'limit' }
}
export interface ReadOnly {
  updateUser: 'id' | 'email' | 'revision' | 'createdAt' | 'updatedAt'
  createCategory: 'id' | 'revision' | 'createdAt' | 'updatedAt'
  putCategory: 'id' | 'revision' | 'createdAt' | 'updatedAt'
  updateCategory: 'id' | 'revision' | 'createdAt' | 'updatedAt'
  createTask: 'id' | 'completedAt' | 'depth' | 'nextOccurrenceId' | 'revision' | 'createdAt' | 'updatedAt'
  putTask: 'id' | 'completedAt' | 'depth' | 'nextOccurrenceId' | 'revision' | 'createdAt' | 'updatedAt'
  updateTask: 'id' | 'completedAt' | 'depth' | 'nextOccurrenceId' | 'revision' | 'createdAt' | 'updatedAt'
  renameLabel: 'openTasks' | 'totalTasks'
  createCalendar: 'id' | 'url' | 'lastUsedAt' | 'revision' | 'createdAt' | 'updatedAt'
  updateCalendar: 'id' | 'url' | 'lastUsedAt' | 'revision' | 'createdAt' | 'updatedAt'
  createWebhook: 'id' | 'secret' | 'deliveredRevision' | 'failingSince' | 'disabledAt' | 'disabledReason' | 'revision' | 'createdAt' | 'updatedAt'
  updateWebhook: 'id' | 'secret' | 'deliveredRevision' | 'failingSince' | 'disabledAt' | 'disabledReason' | 'revision' | 'createdAt' | 'updatedAt'
}
