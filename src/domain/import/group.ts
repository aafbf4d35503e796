// The rows of an import that are written together.
import type { CategoryEntry, Entry, ProfileEntry, TaskEntry } from './items.ts'

export const groupSize = 100 // rows: on a busy machine they take a third of a statement's timeout
const maxCharacters = 256 * 1024 // the statement of a group must end within its timeout

export function createGroup() {
  const categories = new Map<string, CategoryEntry>()
  const tasks = new Map<string, TaskEntry>()
  let profile: ProfileEntry | undefined
  let count = 0
  let characters = 0

  return {
    categories,
    tasks,
    profile: () => profile,
    isFull: () => count >= groupSize || characters >= maxCharacters,

    /** The last row of an id counts. */
    add(entry: Entry) {
      count++
      if (entry.kind === 'profile') profile = entry
      else if (entry.kind === 'category') replace(categories, entry)
      else {
        replace(tasks, entry)
        characters += entry.size
      }
    },
  }
}

/** Behind the others, where the file has it. */
function replace<Each extends { id: string }>(all: Map<string, Each>, entry: Each) {
  all.delete(entry.id)
  all.set(entry.id, entry)
}
