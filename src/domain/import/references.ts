// The categories that tasks of an import are in: by id, or by a name for which one is made if there is none.
import type { CategoryImport } from './categories.ts'
import { type CategoryEntry, type createItems, reasonsOf, type TaskEntry } from './items.ts'
import type { Refusal } from './parts.ts'

type Parts = {
  items: ReturnType<typeof createItems>
  categories: CategoryImport
  /** a task that needs a category that is not there */
  wait: (task: TaskEntry, categoryId: string) => void
  refuse: (task: TaskEntry, reasons: Refusal[]) => void
}

/** Makes a function that resolves with the tasks whose category is there, each with its id. */
export function createReferences({ items, categories, wait, refuse }: Parts) {
  /** The ids of the categories that the names mean, or why there is none. */
  async function named(tasks: readonly TaskEntry[]): Promise<Map<string, string | Refusal[]>> {
    const lines = new Map<string, number>()
    for (const { category, line } of tasks) if (typeof category === 'string' && !lines.has(category)) lines.set(category, line)
    const found = await categories.find([], [...lines.keys()])
    const result = new Map<string, string | Refusal[]>(found.names)
    const made = new Map<string, CategoryEntry>()
    for (const [name, line] of lines) {
      if (result.has(name)) continue
      try {
        const entry = items.named(line, name, found.keys.get(name) as string)
        if (!made.has(entry.id)) made.set(entry.id, entry)
        result.set(name, entry.id)
      } catch (error) {
        result.set(name, inCategory(reasonsOf(error)))
      }
    }
    if (made.size === 0) return result
    // A category that was made for the name and has another one by now is still the one that is meant.
    const { ids } = await categories.find([...made.keys()], [])
    const failed = new Map<string, Refusal[]>()
    const absent = [...made.values()].filter(({ id }) => !ids.has(id))
    await categories.put(absent, ({ id }, reasons) => failed.set(id, inCategory(reasons)))
    return new Map([...result].map(([name, id]) => [name, (typeof id === 'string' && failed.get(id)) || id]))
  }

  return async (tasks: readonly TaskEntry[]): Promise<TaskEntry[]> => {
    const names = await named(tasks)
    const { ids } = await categories.find([...new Set(tasks.flatMap(({ input }) => input.categoryId ?? []))], [])
    return tasks.flatMap((task): TaskEntry[] => {
      const { category, input } = task
      if (typeof category === 'string') {
        const id = names.get(category)
        if (typeof id === 'string') return [{ ...task, input: { ...input, categoryId: id } }]
        refuse(task, id ?? [])
        return []
      }
      if (input.categoryId === null || ids.has(input.categoryId)) return [task]
      wait(task, input.categoryId)
      return []
    })
  }
}

const inCategory = (reasons: readonly Refusal[]): Refusal[] => reasons.map(({ reason }) => ({ place: 'category', reason }))
