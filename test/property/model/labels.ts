// The model of labels. A label is what live tasks have: labels that look alike are one.
import type { components } from '../../../generated/api.ts'
import { folded } from '../text.ts'
import { type Conditions, changed, done, type Expected, etag, forbids, missing } from './replies.ts'
import { byText, type State, type Task } from './state.ts'

type Label = components['schemas']['Label']

const collator = new Intl.Collator('und')

export function createLabels(state: State) {
  const tasksWith = (name: string) => [...state.tasks.values()].filter(task => hasLabel(task, name))

  function labelOf(name: string): Label {
    const tasks = tasksWith(name)
    return { name: spellingOf(tasks, name), openTasks: tasks.filter(({ completed }) => !completed).length, totalTasks: tasks.length }
  }

  /** Changes the labels of every task that has this one, in one change. */
  function change(name: string, conditions: Conditions, relabel: (labels: string[]) => string[]): Expected | undefined {
    const tasks = tasksWith(name)
    if (tasks.length === 0) return missing
    if (forbids(conditions)) return changed(state)
    for (const task of tasks) task.labels = relabel(task.labels)
    state.change(tasks)
    return undefined
  }

  return {
    list: (): Label[] =>
      namesOf([...state.tasks.values()])
        .sort((a, b) => collator.compare(a, b) || byText(a, b))
        .map(labelOf),

    /** The new name takes the place of the first of the two labels in a task, and the other one goes. */
    rename(from: string, to: string | undefined, conditions: Conditions): Expected {
      const isEither = (label: string) => [from, to ?? from].map(folded).includes(folded(label))
      const renamed = (labels: string[]) => {
        const first = labels.findIndex(isEither)
        return labels.flatMap((label, i) => (i === first ? (to as string) : isEither(label) ? [] : label))
      }
      if (to === undefined && tasksWith(from).length > 0 && !forbids(conditions)) return shownLabel(from)
      return change(from, conditions, renamed) ?? shownLabel(to as string)
    },

    remove: (name: string, conditions: Conditions): Expected =>
      change(name, conditions, labels => labels.filter(label => folded(label) !== folded(name))) ?? done,
  }

  /** A label has the ETag of the account. */
  function shownLabel(name: string): Expected {
    return { status: 200, etag: etag(state.revision), body: labelOf(name) }
  }
}

export const hasLabel = ({ labels }: Pick<Task, 'labels'>, name: string): boolean => labels.some(label => folded(label) === folded(name))

/** The labels of these tasks, folded. */
export const namesOf = (tasks: Task[]): string[] => [...new Set(tasks.flatMap(({ labels }) => labels.map(folded)))]

/** The spelling of a label that most of these tasks have; of equally frequent ones the first in the order of code points. */
export function spellingOf(tasks: Task[], name: string): string {
  const uses = tasks.flatMap(({ labels }) => labels.filter(label => folded(label) === folded(name)))
  const frequency = (spelling: string) => uses.filter(each => each === spelling).length
  return uses.sort((a, b) => frequency(b) - frequency(a) || byText(a, b))[0] as string
}
