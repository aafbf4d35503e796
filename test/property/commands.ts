// Random sequences of requests to one account: some tasks, and then anything.
import fc from 'fast-check'
import { type Body, filters, instants, labelNames, moves, partial, phrase, planted, turns, type Which, which, whole } from './bodies.ts'
import type { Conditions, Tag } from './model/replies.ts'
import type { Sort } from './model/selection.ts'
import type { Kind } from './model/state.ts'
import { scene } from './scenes.ts'

/** What a body has beside its fields: the read-only fields as they were read, or the id of another resource. */
export type Extra = 'read' | 'foreign id' | undefined
/** An item of the trash by its number, or any task or category. */
export type Target = { of: 'trash' | Kind; which: Which }
type Named<Do extends string, More = object> = { do: Do } & More
export type ItemCommand =
  | Named<'create', { kind: Kind; body: Body; extra: Extra } & Conditions>
  | Named<'put' | 'patch', { kind: Kind; which: Which; body: Body; extra: Extra } & Conditions>
  | Named<'get' | 'delete', { kind: Kind; which: number } & Conditions>
export type ProfileCommand =
  | Named<'get' | 'delete', { kind: 'profile' } & Conditions>
  | Named<'patch', { kind: 'profile'; body: object; extra: Extra } & Conditions>
export type TurnCommand = Named<'skip', { which: Which } & Conditions> | Named<'move', { which: Which; body: Body } & Conditions>
export type OtherCommand =
  | Named<'tree', { which: Which } & Conditions>
  | Named<'rename', { label: string; name: string | undefined } & Conditions>
  | Named<'unlabel', { label: string } & Conditions>
  | Named<'restore' | 'purge', Target & Conditions>
  | Named<'empty', Conditions>
export type ListCommand =
  | Named<'list', { filter: Body; sort: Sort; limit: number }>
  | Named<'reminders', { from: string; to: string; limit: number }>
  | Named<'labels' | 'trash', { limit: number }>
  | Named<'summary'>
export type Command = ItemCommand | ProfileCommand | TurnCommand | OtherCommand | ListCommand

const limit = fc.constantFrom(1, 3, 4, 100, 100)
const tag = fc.constantFrom<Tag>('current', 'current', 'current', 'stale', 'future', 'weak', 'several', 'any', 'nonsense')
const none = fc.constant(undefined)
const seldom = fc.oneof({ arbitrary: none, weight: 8 }, { arbitrary: tag, weight: 1 })
const forChange = fc.record({ ifMatch: seldom, ifNoneMatch: seldom })
const forRead = fc.record({ ifMatch: seldom, ifNoneMatch: fc.oneof(none, tag) })
const extra = fc.constantFrom<Extra>(undefined, undefined, undefined, undefined, 'read', 'read', 'foreign id')

const is = <const Value>(value: Value) => fc.constant(value)

/** A command from its fields, with headers. */
const weighted = <Fields extends object>(
  weight: number,
  fields: { [Field in keyof Fields]: fc.Arbitrary<Fields[Field]> },
  conditions: fc.Arbitrary<Conditions> = is({}),
) => ({
  weight,
  arbitrary: fc.tuple(fc.record(fields), conditions).map(([some, headers]) => ({ ...some, ...headers }) as Fields & Conditions),
})

const commandsOn = <Of extends Kind>(kind: Of): fc.MaybeWeightedArbitrary<ItemCommand>[] => [
  weighted(4, { do: is('create'), kind: is(kind), body: whole[kind], extra }, forChange),
  weighted(4, { do: is('put'), kind: is(kind), which, body: whole[kind], extra }, forChange),
  weighted(3, { do: is('patch'), kind: is(kind), which, body: partial[kind], extra }, forChange),
  weighted(3, { do: is('delete'), kind: is(kind), which }, forChange),
  weighted(1, { do: is('get'), kind: is(kind), which }, forRead),
]

const profile = { kind: is('profile') }
const tasks = is('tasks')
const target = {
  of: fc.oneof({ arbitrary: is('trash'), weight: 8 }, fc.constantFrom('tasks', 'categories')),
  which: fc.nat({ max: 12 }),
}
const sorts = fc.constantFrom<Sort>(
  ...(['createdAt', 'updatedAt', 'dueDate', 'priority', 'sortKey', 'title'] as const).flatMap((name): Sort[] => [name, `-${name}`]),
)
const search = fc.tuple(filters, phrase).map(([rest, q]): Body => ({ ...rest, q }))
const newName = fc.oneof({ arbitrary: labelNames, weight: 8 }, none)
const turn = weighted(18, { do: is('patch'), kind: tasks, which, body: turns, extra: none }, forChange)

const one = fc.oneof<fc.MaybeWeightedArbitrary<Command>[]>(
  ...commandsOn('tasks'),
  ...commandsOn('categories'),
  weighted(8, { do: is('create'), kind: tasks, body: planted, extra: none }),
  turn,
  weighted(6, { do: is('skip'), which }, forChange),
  weighted(10, { do: is('move'), which, body: moves }, forChange),
  weighted(5, { do: is('restore'), ...target }, forChange),
  weighted(2, { do: is('purge'), ...target }, forChange),
  weighted(1, { do: is('empty') }, forChange),
  weighted(6, { do: is('rename'), label: labelNames, name: newName }, forChange),
  weighted(1, { do: is('unlabel'), label: labelNames }, forChange),
  weighted(2, { do: is('tree'), which }, forRead),
  weighted(10, { do: is('list'), filter: filters, sort: sorts, limit }),
  weighted(3, { do: is('list'), filter: search, sort: is('relevance'), limit }),
  weighted(3, { do: is('reminders'), from: instants, to: instants, limit }),
  weighted(2, { do: is('labels'), limit }),
  weighted(2, { do: is('trash'), limit }),
  weighted(5, { do: is('summary') }),
  weighted(1, { do: is('get'), ...profile }, forRead),
  weighted(1, { do: is('patch'), ...profile, body: partial.profile, extra }, forChange),
  weighted(1, { do: is('delete'), ...profile }, fc.record({ ifMatch: tag, ifNoneMatch: seldom })),
)

const live = fc.integer({ min: -9, max: -1 })
const remove: fc.Arbitrary<Command> = weighted(1, { do: is('delete'), kind: tasks, which: live }).arbitrary
const removeCategory: fc.Arbitrary<Command> = weighted(1, { do: is('delete'), kind: is('categories'), which: is(-1) }).arbitrary
const restore: fc.Arbitrary<Command> = weighted(1, { do: is('restore'), of: is('trash'), which: fc.nat({ max: 1 }) }).arbitrary

/** A single request, or some that follow each other seldom: a restore when something else has changed, or after the task above was deleted. */
const anything = fc.oneof<fc.MaybeWeightedArbitrary<Command[]>[]>(
  { arbitrary: one.map(each => [each]), weight: 12 },
  { arbitrary: fc.tuple(remove, one, restore), weight: 2 },
  { arbitrary: fc.tuple(remove, turn.arbitrary, remove, restore), weight: 1 },
  { arbitrary: fc.tuple(remove, removeCategory, restore), weight: 1 },
)

const task = fc.oneof<fc.MaybeWeightedArbitrary<Command>[]>(
  weighted(3, { do: is('create'), kind: tasks, body: planted, extra: none }),
  weighted(1, { do: is('put'), kind: tasks, which: fc.nat({ max: 3 }), body: planted, extra: none }),
)
const category: fc.Arbitrary<Command> = weighted(1, {
  ...{ do: is('put'), kind: is('categories'), which: fc.nat({ max: 2 }), body: whole.categories, extra: none },
}).arbitrary

/** Between `few` and `many` for the most part; a sequence that fails is made shorter. */
function sequence<Of>(of: fc.Arbitrary<Of>, few: number, many: number): fc.Arbitrary<Of[]> {
  const short = fc.array(of, { maxLength: few })
  const long = fc.array(of, { minLength: few, maxLength: many, size: 'max' })
  return fc.oneof({ withCrossShrink: true }, { arbitrary: short, weight: 1 }, { arbitrary: long, weight: 5 })
}

export const commands: fc.Arbitrary<Command[]> = fc
  .tuple(
    sequence(category, 1, 2),
    fc.oneof({ arbitrary: sequence(task, 5, 10), weight: 1 }, { arbitrary: scene, weight: 1 }),
    sequence(anything, 6, 16),
  )
  .map(([categories, tasks, rest]) => [...categories, ...tasks, ...rest.flat()])
