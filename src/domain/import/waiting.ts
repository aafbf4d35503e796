// The tasks of an import that need a task or a category that has not come yet. Only these are in memory, and only so many.
import type { TaskEntry } from './items.ts'

const maxTasks = 10_000
const maxCharacters = 16 * 1024 * 1024

export type Waiting = ReturnType<typeof createWaiting>

export function createWaiting() {
  const byNeed = new Map<string, TaskEntry[]>()
  const needs = new Map<string, string>()
  let released: TaskEntry[] = []
  let characters = 0

  return {
    /** False if there is no room. */
    add(entry: TaskEntry, need: string): boolean {
      if (needs.size >= maxTasks || characters + entry.size > maxCharacters) return false
      const others = byNeed.get(need)
      if (others === undefined) byNeed.set(need, [entry])
      else others.push(entry)
      needs.set(entry.id, need)
      characters += entry.size
      return true
    },

    /** Something has come: those that need it wait no more. */
    release(need: string) {
      const entries = byNeed.get(need)
      if (entries === undefined) return
      byNeed.delete(need)
      for (const each of entries) {
        needs.delete(each.id)
        characters -= each.size
      }
      released = released.concat(entries)
    },

    /** Takes some of those that wait no more. */
    take: (count: number): TaskEntry[] => released.splice(0, count),

    /** Takes those whose parent will not come, because it does not wait itself. */
    orphans(): TaskEntry[] {
      const isLost = (need: string, { input }: TaskEntry) => need === input.parentId && !needs.has(need)
      const lost = [...byNeed].flatMap(([need, entries]) => entries.filter(entry => isLost(need, entry)))
      for (const { input } of lost) byNeed.delete(input.parentId as string)
      for (const { id } of lost) needs.delete(id)
      return lost.sort((a, b) => a.line - b.line)
    },

    /** Those that have waited for nothing, each with what it needs, in the order of the file. */
    rest: () =>
      [...byNeed].flatMap(([need, entries]) => entries.map(entry => ({ need, entry }))).sort((a, b) => a.entry.line - b.entry.line),

    /** Whether a task waits for itself. */
    isCycle(id: string): boolean {
      const seen = new Set<string>()
      for (let next = needs.get(id); next !== undefined && !seen.has(next); next = needs.get(next)) {
        if (next === id) return true
        seen.add(next)
      }
      return false
    },
  }
}
