// The model of the trash: what was deleted with one request is one item, comes back together, and is removed together.
import { isTaken } from './categories.ts'
import { type Conditions, changed, done, type Expected, forbids, missing, refused, shown } from './replies.ts'
import { byText, type Category, type Deleted, type Deletion, type State, type Task } from './state.ts'
import { below, heightOf, maxDepth, move, type Place } from './tree.ts'

/** `under`: the tasks below the task that were deleted with it. */
export type Item = { deletion: Deletion } & ({ kind: 'task'; row: Task; under: Task[] } | { kind: 'category'; row: Category })

export function createTrash(state: State) {
  const { trash } = state

  /** The last deleted first. A task is an item of its own if it was not deleted with its parent, or if its parent is there again. */
  function items(): Item[] {
    const isItem = ({ row, deletion }: Deleted<Task>) => row.parentId === null || trash.tasks.get(row.parentId)?.deletion !== deletion
    const tasks = [...trash.tasks.values()].filter(isItem).map(({ row, deletion }): Item => {
      const together = [...trash.tasks.values()].filter(each => each.deletion === deletion).map(each => each.row)
      return { kind: 'task', row, deletion, under: below(together, row.id) }
    })
    const categories = [...trash.categories.values()].map((each): Item => ({ kind: 'category', ...each }))
    return [...tasks, ...categories].sort((a, b) => b.deletion.number - a.deletion.number || byText(b.row.id, a.row.id))
  }

  /** Of a task and a category with one id, the task is meant. */
  function find(id: string): Item | undefined {
    const found = items().filter(({ row }) => row.id === id)
    return found.find(({ kind }) => kind === 'task') ?? found[0]
  }

  /** Takes the rows of an item out of the trash. */
  function take(item: Item): void {
    if (item.kind === 'category') trash.categories.delete(item.row.id)
    else for (const { id } of [item.row, ...item.under]) trash.tasks.delete(id)
  }

  function restoreTask({ row, under }: Item & { kind: 'task' }): Expected {
    move(row, under, placeAgain(state, row, under))
    for (const each of [row, ...under]) state.tasks.set(each.id, each)
    state.change([row, ...under])
    return shown(200, row)
  }

  function restoreCategory({ row }: Item & { kind: 'category' }): Expected {
    state.categories.set(row.id, row)
    state.change([row])
    return shown(200, row)
  }

  return {
    items,

    /** Brings back exactly what was deleted together, in one change. */
    restore(id: string, conditions: Conditions): Expected {
      const item = find(id)
      if (item === undefined) return missing
      if (forbids(conditions)) return changed(state)
      if (item.kind === 'category' && isTaken(state, id, item.row.name))
        return refused([{ status: 409, pointer: '/itemId', code: 'taken' }])
      take(item)
      return item.kind === 'task' ? restoreTask(item) : restoreCategory(item)
    },

    purge(id: string, conditions: Conditions): Expected {
      const item = find(id)
      if (item === undefined) return missing
      if (forbids(conditions)) return changed(state)
      take(item)
      state.change([])
      return done
    },

    /** An empty trash is left as it is. */
    empty(conditions: Conditions): Expected {
      if (forbids(conditions)) return changed(state)
      const all = items()
      for (const item of all) take(item)
      if (all.length > 0) state.change([])
      return done
    },
  }
}

/** Below the parent that the task had. Without one if that is gone, or has no room for the tasks. */
function placeAgain({ tasks }: State, row: Task, under: Task[]): Place {
  const parent = row.parentId === null ? undefined : tasks.get(row.parentId)
  if (parent === undefined || parent.depth + 1 + heightOf(row, under) > maxDepth)
    return { parentId: null, depth: 0, categoryId: row.categoryId }
  return { parentId: parent.id, depth: parent.depth + 1, categoryId: parent.categoryId }
}
