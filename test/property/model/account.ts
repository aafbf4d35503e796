// The model of an account: a plain statement of what each request does. Instants and ids of the server come from its replies.
import { createCategories } from './categories.ts'
import { createLabels } from './labels.ts'
import { createProfile } from './profile.ts'
import { reminders } from './reminders.ts'
import { type Query, type Sort, select } from './selection.ts'
import { createState } from './state.ts'
import { summary } from './summary.ts'
import { createTasks } from './tasks.ts'
import { createTrash } from './trash.ts'

export type Account = ReturnType<typeof createAccount>

export function createAccount(...user: Parameters<typeof createState>) {
  const state = createState(...user)
  return {
    state,
    profile: createProfile(state),
    tasks: createTasks(state),
    categories: createCategories(state),
    labels: createLabels(state),
    trash: createTrash(state),
    listTasks: (query: Query, sort: Sort, minute?: number) => select(state, query, sort, minute),
    listReminders: (from: string, to: string) => reminders(state, from, to),
    summary: (minute: number) => summary(state, minute),
  }
}
