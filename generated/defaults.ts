// Generated from openapi.yaml by `npm run generate`. Do not edit.
export interface Defaults {
  listCategories: { query: 'limit' }
  createCategory: { body: 'color' | 'position' }
  putCategory: { body: 'color' | 'position' }
  listTasks: { query: 'sort' | 'limit' }
  createTask: { body: 'description' | 'completed' | 'priority' | 'categoryId' | 'dueDate' | 'dueTime' | 'timeZone' | 'labels' }
  putTask: { body: 'description' | 'completed' | 'priority' | 'categoryId' | 'dueDate' | 'dueTime' | 'timeZone' | 'labels' }
}
export interface ReadOnly {
  updateUser: 'id' | 'email' | 'revision' | 'createdAt' | 'updatedAt'
  createCategory: 'id' | 'revision' | 'createdAt' | 'updatedAt'
  putCategory: 'id' | 'revision' | 'createdAt' | 'updatedAt'
  updateCategory: 'id' | 'revision' | 'createdAt' | 'updatedAt'
  createTask: 'id' | 'completedAt' | 'revision' | 'createdAt' | 'updatedAt'
  putTask: 'id' | 'completedAt' | 'revision' | 'createdAt' | 'updatedAt'
  updateTask: 'id' | 'completedAt' | 'revision' | 'createdAt' | 'updatedAt'
}
