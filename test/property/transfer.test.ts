// Any account goes out and comes in again: exported after that, it is the same file in each form.
import fc from 'fast-check'
import { expect } from 'vitest'
import { checkRule } from '../../src/domain/recurrence.ts'
import type { NamedTask } from '../../src/exchange/item.ts'
import { task } from '../exchange/tasks.ts'
import { exportFile, type Form, importFile, lines } from '../support/import.ts'
import { test } from '../support/taskspec.ts'
import { holds, unlessStalled } from './seed.ts'

type Made = { task: NamedTask; parent: number; category: number }
type Placed = { id: string; parentId: string | null; categoryId: string | null; depth: number }

const names = ['Home', '=Work', ' Lists, and more ', 'a\\;b', '写真']
const keys = ['a0', 'Zz', 'a0V', 'zzzzzzzzzzzzzzzzzzzzzzzzzzz1', null]
const instants = ['2027-02-11T17:40:03.118402Z', '1970-01-01T00:00:00.5Z', '2099-12-31T23:59:59.999999Z']
const account = fc.uniqueArray(fc.record({ task, parent: fc.nat(30), category: fc.nat(names.length) }), {
  maxLength: 12,
  selector: ({ task }) => task.id,
})

/** The account as NDJSON, with subtasks in the category of their parent, and before it as often as after it. */
function fileOf(made: Made[], ids: string[]): string {
  const placed: Placed[] = []
  const tasks = made.map(({ task: { category: _, ...task }, parent, category }, i) => {
    const above = placed[parent]
    const isBelow = above !== undefined && above.depth < 7
    const place = {
      ...{ id: task.id, parentId: isBelow ? above.id : null, depth: isBelow ? above.depth + 1 : 0 },
      categoryId: isBelow ? above.categoryId : (ids[category] ?? null),
    }
    placed.push(place)
    const instant = (shift: number) => instants[(i + shift) % instants.length] as string
    const isFit = task.recurrence !== null && checkRule(task.recurrence.rule, task.dueDate) === null
    return {
      ...{ kind: 'task', ...task, ...place, sortKey: keys[i % keys.length], createdAt: instant(0), updatedAt: instant(1) },
      ...{ completedAt: task.completedAt === null ? null : instant(2), recurrence: isFit ? task.recurrence : null },
    }
  })
  const categories = ids.map((id, i) => ({ kind: 'category', id, name: names[i], position: i % 3 }))
  return lines(...categories, ...tasks.toReversed())
}

test('any account, in each form', { timeout: 240_000 }, async ({ as }) => {
  let count = 0
  const property = fc.asyncProperty(account, fc.uniqueArray(fc.uuid(), { minLength: names.length, maxLength: names.length }), (made, ids) =>
    unlessStalled(async () => {
      const ann = await as(`ann-${count++}`)
      const report = await importFile(ann, fileOf(made, ids))
      expect(report).toMatchObject({ created: made.length + ids.length, failed: 0, errors: [], isComplete: true })
      for (const form of ['ndjson', 'csv', 'ics'] satisfies Form[]) {
        const file = await exportFile(ann, form)
        expect(await importFile(ann, file, form)).toMatchObject({
          created: 0,
          failed: 0,
          errors: [],
          ...(form === 'ndjson' && { updated: 0 }),
        })
        await ann.deleteUser()
        expect(await importFile(ann, file, form)).toMatchObject({ failed: 0, errors: [] })
        expect(await exportFile(ann, form)).toBe(file)
      }
    }),
  )
  await holds(property, { runs: 30, lanes: 2 })
})
