// States that need several requests in a row, which chance makes seldom.
import fc from 'fast-check'
import { type Body, dayFromNow } from './bodies.ts'
import type { Command } from './commands.ts'

const patch = (which: number, body: Body): Command => ({ do: 'patch', kind: 'tasks', which, body, extra: undefined })
const remove = (which: number): Command => ({ do: 'delete', kind: 'tasks', which })
const restore: Command = { do: 'restore', of: 'trash', which: 0 }

const create = (place: Body): Command => ({ do: 'create', kind: 'tasks', body: { title: 'link', ...place }, extra: undefined })
const put = (which: number, place: Body): Command => ({
  do: 'put',
  kind: 'tasks',
  which,
  body: { title: 'link', ...place },
  extra: undefined,
})

/** Tasks each below the one before, in a category if there is one. */
const chain = (length: number): Command[] => [
  create({ parent: null, category: -1 }),
  ...Array.from({ length: length - 1 }, () => create({ parent: -1 })),
]

/** `length`: of the second chain, so that its first task is the one before so many. Without the tasks below it, it is the newest of all. */
const turns: ((length: number) => Command[])[] = [
  length => [patch(-length, { completed: true })],
  length => [patch(-length, { category: null })],
  length => [patch(-length, { parent: 'deepest' })],
  // What comes back finds its parent deeper, or in another category.
  length => [remove(1 - length), patch(-1, { parent: 'deepest' }), restore],
  length => [remove(1 - length), patch(-1, { category: null }), restore],
]

/** Two chains of tasks, and what happens to the second. */
const chains = fc
  .tuple(fc.integer({ min: 4, max: 6 }), fc.integer({ min: 2, max: 4 }), fc.constantFrom(...turns))
  .map(([first, second, turn]) => [...chain(first), ...chain(second), ...turn(second)])

/** A tree that is deleted, and one of its tasks is created again: the tasks above and below it are two items. */
const again = fc
  .nat({ max: 2 })
  .map((which): Command[] => [put(0, {}), put(1, { parent: 0 }), put(2, { parent: 1 }), remove(0), put(which, {}), restore, restore])

/** At any time of the day, one of two tasks is overdue in its own time zone or in UTC, and not in the other. */
const zones = fc.constant<Command[]>([
  create({ dueDate: dayFromNow(-1), timeZone: 'Pacific/Pago_Pago' }),
  create({ dueDate: dayFromNow(0), timeZone: 'Pacific/Kiritimati' }),
  { do: 'summary' },
])

const done = patch(0, { completed: true })
const reopen = patch(0, { completed: false })
const occurrence = put(0, { dueDate: '2527-01-01', recurrence: { rule: 'FREQ=DAILY' } })
const followed: Command[][] = [
  [done, reopen, done],
  // The same occurrence comes again, while the next one is there, is in the trash, or is gone.
  [done, remove(0), occurrence, done],
  [done, remove(-1), remove(0), occurrence, done],
  [done, remove(-1), { do: 'purge', of: 'trash', which: 0 }, remove(0), occurrence, done],
  // A next occurrence below is no part of the copy, and neither is what is below that.
  [patch(1, { completed: true }), create({ parent: -1 }), done],
  [patch(1, { completed: true }), { do: 'skip', which: 0 }, done, { do: 'skip', which: -1 }],
]

/** An occurrence with one below it, and what can follow. */
const series = fc
  .constantFrom(...followed)
  .map((turn): Command[] => [occurrence, put(1, { parent: 0, recurrence: { rule: 'FREQ=WEEKLY;INTERVAL=2' } }), ...turn])

export const scene: fc.Arbitrary<Command[]> = fc.oneof(
  { arbitrary: chains, weight: 5 },
  { arbitrary: again, weight: 2 },
  { arbitrary: series, weight: 4 },
  zones,
)
