// The tasks of an import that need a task or a category that has not come yet. Only these are in memory, and only so many. The last row of an
// id counts: it replaces one that waits.
import type { TaskEntry } from './items.ts'

const maxTasks = 10_000
const maxCharacters = 16 * 1024 * 1024

export type Waiting = ReturnType<typeof createWaiting>

export function createWaiting() {
  const byNeed = new Map<string, Map<string, TaskEntry>>()
  const needs = new Map<string, string>()
  const released = new Map<string, TaskEntry>()
  let characters = 0

  /** A newer row with this id has come. */
  function forget(id: string) {
    released.delete(id)
    const need = needs.get(id)
    if (need === undefined) return
    const others = byNeed.get(need) as Map<string, TaskEntry>
    characters -= (others.get(id) as TaskEntry).size
    others.delete(id)
    if (others.size === 0) byNeed.delete(need)
    needs.delete(id)
  }

  return {
    forget,

    /** False if there is no room. */
    add(entry: TaskEntry, need: string): boolean {
      if (needs.size >= maxTasks || characters + entry.size > maxCharacters) return false
      forget(entry.id)
      const others = byNeed.get(need)
      if (others === undefined) byNeed.set(need, new Map([[entry.id, entry]]))
      else others.set(entry.id, entry)
      needs.set(entry.id, need)
      characters += entry.size
      return true
    },

    /** Something has come: those that need it wait no more. */
    release(need: string) {
      const entries = byNeed.get(need)
      if (entries === undefined) return
      byNeed.delete(need)
      for (const [id, entry] of entries) {
        needs.delete(id)
        characters -= entry.size
        released.set(id, entry)
      }
    },

    /** Takes some of those that wait no more. */
    take(count: number): TaskEntry[] {
      const taken = [...released.values().take(count)]
      for (const { id } of taken) released.delete(id)
      return taken
    },

    /** Takes those whose parent will not come, because it does not wait itself. */
    orphans(): TaskEntry[] {
      const isLost = (need: string, { input }: TaskEntry) => need === input.parentId && !needs.has(need)
      const lost = [...byNeed].flatMap(([need, entries]) => [...entries.values()].filter(entry => isLost(need, entry)))
      for (const { id } of lost) forget(id)
      return lost.sort((a, b) => a.line - b.line)
    },

    /** Those that have waited for nothing, each with what it needs, in the order of the file. */
    rest: () =>
      [...byNeed]
        .flatMap(([need, entries]) => [...entries.values()].map(entry => ({ need, entry })))
        .sort((a, b) => a.entry.line - b.entry.line),

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
