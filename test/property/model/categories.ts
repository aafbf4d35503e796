// The model of categories.
import type { components } from '../../../generated/api.ts'
import { folded } from '../text.ts'
import { inStep } from './order.ts'
import { type Conditions, changed, done, type Expected, forbids, missing, type Reason, read, refused, shown } from './replies.ts'
import { byText, type Category, type State, stored } from './state.ts'

export type CategoryBody = components['schemas']['CategoryPatch']

const defaults = { color: null, position: 0, sortKey: null }
const nullable = ['color']
const taken: Reason = { status: 409, pointer: '/name', code: 'taken' }

export function createCategories(state: State) {
  const { categories } = state

  function add(id: string, body: CategoryBody): Expected {
    state.meet()
    const fields = { ...defaults, ...(inStep(stored(body, nullable)) as Category) }
    if (isTaken(state, id, fields.name)) return refused([taken])
    const row = { ...fields, id, sortKey: fields.sortKey ?? undefined, revision: 0, createdAt: undefined, updatedAt: undefined }
    categories.set(id, row)
    state.trash.categories.delete(id)
    state.change([row])
    return shown(201, row)
  }

  function change(category: Category, patch: CategoryBody): Expected {
    const row = { ...category, ...inStep(stored(patch, nullable)) } as Category
    if (isTaken(state, row.id, row.name)) return refused([taken])
    Object.assign(category, { ...row, sortKey: row.sortKey ?? undefined })
    state.change([category])
    return shown(200, category)
  }

  return {
    /** The conditions are about the list. */
    create: (id: string, body: CategoryBody, conditions: Conditions): Expected => (forbids(conditions) ? changed(state) : add(id, body)),

    put(id: string, body: CategoryBody, conditions: Conditions): Expected {
      const category = categories.get(id)
      if (category === undefined) return conditions.ifMatch === undefined ? add(id, body) : changed(undefined)
      return forbids(conditions) ? changed(category) : change(category, { ...defaults, ...body })
    },

    patch(id: string, body: CategoryBody, conditions: Conditions): Expected {
      const category = categories.get(id)
      if (category === undefined) return missing
      if (forbids(conditions)) return changed(category)
      return Object.keys(body).length === 0 ? shown(200, category) : change(category, body)
    },

    /** Deletes a category, and takes it from its tasks, also from those in the trash. */
    remove(id: string, conditions: Conditions): Expected {
      const category = categories.get(id)
      if (category === undefined) return missing
      if (forbids(conditions)) return changed(category)
      categories.delete(id)
      state.trash.categories.set(id, { row: category, deletion: state.createDeletion() })
      const deleted = [...state.trash.tasks.values()].map(({ row }) => row)
      const tasks = [...state.tasks.values(), ...deleted].filter(({ categoryId }) => categoryId === id)
      for (const task of tasks) task.categoryId = null
      state.change([category, ...tasks])
      return done
    },

    get(id: string, conditions: Conditions): Expected {
      const category = categories.get(id)
      return category === undefined ? missing : read(category, conditions, shown(200, category))
    },

    list: (): Category[] => [...categories.values()].sort((a, b) => byText(a.sortKey ?? '', b.sortKey ?? '') || byText(a.id, b.id)),
  }
}

/** Whether another category has a name that looks alike. */
export const isTaken = ({ categories }: State, id: string, name: string): boolean =>
  [...categories.values()].some(each => each.id !== id && folded(each.name) === folded(name))
