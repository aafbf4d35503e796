// Generated from openapi.yaml by `npm run generate`. Do not edit.
export interface Defaults {
  listCategories: { query: 'limit' }
  createCategory: { body: 'color' | 'position' }
  putCategory: { body: 'color' | 'position' }
  listTasks: { query: 'sort' | 'limit' }
  createTask: { body: 'description' | 'completed' | 'priority' | 'categoryId' | 'dueDate' | 'dueTime' | 'timeZone' | 'labels' }
  putTask: { body: 'description' | 'completed' | 'priority' | 'categoryId' | 'dueDate' | 'dueTime' | 'timeZone' | 'labels' }
}
