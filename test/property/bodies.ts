// Values for the bodies and filters of an account's requests. They are few, so that they meet.
import fc from 'fast-check'
import { maybe } from './values.ts'

/** A category or task by its number: below zero of those that are there, from the newest; else of all ids that were ever used. */
export type Which = number
/** A body in which the category and the parent are numbers. `self` is the task that the request is about, `deepest` the lowest of all. */
export type Body = {
  category?: Which | null
  parent?: Parent | 'none'
  before?: Which | null
  after?: Which | null
  [field: string]: unknown
}
type Parent = Which | 'self' | 'deepest' | null

export const which = fc.oneof<fc.MaybeWeightedArbitrary<Which>[]>(
  { arbitrary: fc.integer({ min: -9, max: -1 }), weight: 3 },
  { arbitrary: fc.nat({ max: 12 }), weight: 2 },
)

const words = fc.constantFrom(
  ...['ferry', 'Ferry', 'fer', 'wall', 'WALL', 'Émile', 'a', 'A', 'ä', 'z', '10', '9', 'e\u0301', 'é', '😀', 'Straße', 'strasse', 'ΟΔΟΣ'],
  ...['中', '会議', '会議資料', '議資', 'ガ', 'ｶﾞ', 'カ', 'ประชุม', 'ชุม', '회의를', '의를', 'm²', 'fe\u200brry', 'ｗall'],
)
const borders = fc.constantFrom(' ', ' ', '/', '_', '“', '', '\u200b', '\u3000')
export const phrase = fc.tuple(words, maybe(fc.tuple(borders, words), null)).map(([first, more]) => first + (more ?? []).join(''))
export const names = fc.constantFrom(
  ...['Home', 'HOME', 'home', 'Home ', ' ho\u200bme', 'Ho\u00a0me', 'Été', 'éTÉ', 'E\u0301te\u0301', 'Straße', 'STRASSE', 'ΑΣ', 'ας'],
  ...['İ', 'i̇', '中'],
)

// Days that are far from now, on which the clocks change, and around today.
const far = ['2527-01-01', '2527-01-02', '0001-01-01', '9999-12-31']
const clockChanges = ['2527-03-30', '2527-10-26'] // in Europe/Helsinki
export const dayFromNow = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10)
const near = [-2, -1, 0, 1, 7, 8].map(dayFromNow)
const days = fc.constantFrom(...far)
const dueDays = fc.oneof(days, fc.constantFrom(...near), { arbitrary: fc.constantFrom(...clockChanges), weight: 1 })

export const zones = maybe(fc.constantFrom('', 'UTC', 'Europe/Helsinki', 'Pacific/Kiritimati', 'Pacific/Pago_Pago'), null)
export const labelNames = fc.oneof({ arbitrary: fc.constantFrom('x', 'X', 'y', 'Y'), weight: 3 }, fc.constantFrom('a,b', '{"', 'NULL'))
const priorities = fc.constantFrom('none', 'low', 'medium', 'high')
const reminders = fc.uniqueArray(
  fc.constantFrom(
    ...[0, 1, 525_600].map(minutesBefore => ({ at: null, minutesBefore })),
    ...['2527-01-01T09:00:00Z', '0001-01-01T00:00:00.5Z'].map(at => ({ at, minutesBefore: null })),
  ),
  { maxLength: 3 },
)
export const instants = fc.constantFrom(
  ...['0001-01-01T00:00:00.5Z', '0001-01-01T07:20:11Z', '2527-01-01T06:59:59.999Z', '2527-01-01T09:00:00Z', '2527-01-02T00:00:00Z'],
)

// Some at the borders of positions.
const keys = maybe(fc.constantFrom('a0', 'a0V', 'Zz', 'z'.repeat(27), 'h00000001', 'h00000001V', 'h0000000Z', 'h000f4240zz'), null)

const recurrences = maybe(
  fc.record(
    {
      rule: fc.constantFrom('FREQ=DAILY', 'FREQ=WEEKLY;INTERVAL=2', 'FREQ=DAILY;COUNT=2'),
      from: fc.constantFrom('due', 'due', 'completion'),
    },
    { requiredKeys: ['rule'] },
  ),
  null,
)

const parents = fc.oneof<fc.MaybeWeightedArbitrary<Parent>[]>(
  { arbitrary: fc.constant(null), weight: 3 },
  { arbitrary: fc.constant('self'), weight: 1 },
  { arbitrary: fc.constant('deepest'), weight: 3 },
  { arbitrary: which, weight: 8 },
)
const categories = fc.oneof(fc.constant(null), fc.constantFrom(-1, -2), fc.constantFrom(-1, -2), fc.nat({ max: 3 }))

// Two whose first hundred characters are the same are in the order of their ids.
const title = fc.oneof({ arbitrary: phrase, weight: 4 }, { arbitrary: words.map(word => `${'x '.repeat(50)}${word}`), weight: 1 })
const fields = {
  categories: {
    name: names,
    color: maybe(fc.constantFrom('', '#1971c2', '#1971C2'), null),
    position: fc.constantFrom(0, 1, 2, 1_000_000),
    sortKey: keys,
  },
  tasks: {
    title,
    description: fc.oneof(phrase, phrase, fc.constantFrom('', null)),
    completed: fc.constantFrom(true, true, false),
    priority: priorities,
    category: categories,
    parent: parents,
    sortKey: keys,
    dueDate: maybe(dueDays, null),
    dueTime: maybe(fc.constantFrom('00:00', '03:30', '23:59'), null),
    startDate: maybe(days, null),
    deadlineDate: maybe(days, null),
    durationMinutes: maybe(fc.constantFrom(1, 90, 525_600), null),
    timeZone: zones,
    labels: fc.uniqueArray(labelNames, { maxLength: 4, size: 'max' }),
    reminders,
    recurrence: recurrences,
  },
}

/** Bodies that create: the schema itself wants a date where there is a time. */
export const whole = {
  categories: fc.record<Body>(fields.categories, { requiredKeys: ['name'] }),
  tasks: fc
    .record<Body>(fields.tasks, { requiredKeys: ['title'] })
    .filter(
      ({ dueTime, dueDate, reminders = [] }) =>
        typeof dueDate === 'string' || (typeof dueTime !== 'string' && (reminders as { at: unknown }[]).every(({ at }) => at !== null)),
    ),
}

/** Bodies of a `PATCH`. */
export const partial = {
  categories: fc.record<Body>(fields.categories, { requiredKeys: [] }),
  tasks: fc.record<Body>(fields.tasks, { requiredKeys: [] }),
  profile: fc.record<Body>({ name: maybe(fc.oneof(names, fc.constant('')), null), timeZone: zones }, { requiredKeys: [] }),
}
/** Bodies of a `PATCH` that have consequences, for tasks below or for other fields. */
export const turns = fc.oneof(
  fc.record<Body>({ parent: parents }),
  fc.record<Body>({ parent: parents, category: categories }),
  fc.record<Body>({ category: categories }),
  fc.record<Body>({ completed: fields.tasks.completed }),
  fc.record<Body>({ completed: fc.constant(true) }),
  fc.record<Body>({ dueDate: fc.constant(null) }),
  fc.record<Body>({ completed: fc.constant(true), recurrence: recurrences }),
  fc.record<Body>({ completed: fc.constant(true), dueDate: fc.constant(null) }),
)

const neighbours = fc.oneof<fc.MaybeWeightedArbitrary<Body>[]>(
  { arbitrary: fc.record<Body>({ before: which }), weight: 4 },
  { arbitrary: fc.record<Body>({ after: which }), weight: 4 },
  fc.record<Body>({ before: fc.constant(null), after: which }),
  fc.record<Body>({ before: which, after: which }),
  fc.constant({}),
)
const places = fc.oneof<fc.MaybeWeightedArbitrary<Body>[]>(
  { arbitrary: fc.constant({}), weight: 3 },
  fc.record<Body>({ parent: parents, category: categories }, { requiredKeys: [] }),
)
/** Bodies of a move: the neighbour, and seldom another parent or category. */
export const moves = fc.tuple(neighbours, places).map(([neighbour, place]): Body => ({ ...neighbour, ...place }))

/** Tasks of a forest: most are below one of the last three, so that it gets deep. */
export const planted = fc
  .tuple(
    fc.oneof(
      whole.tasks,
      fc.tuple(whole.tasks, dueDays, reminders).map(([body, dueDate, reminders]): Body => ({ ...body, dueDate, reminders })),
    ),
    fc.oneof(
      { arbitrary: fc.constantFrom({ parent: null, category: null }, { parent: null, category: -1 }), weight: 2 },
      { arbitrary: fc.constant({ parent: -1 }), weight: 6 },
      { arbitrary: fc.constantFrom({ parent: -2 }, { parent: -3 }), weight: 2 },
    ),
  )
  .map(([{ category: _, ...body }, place]): Body => ({ ...body, ...place }))

const oneFilter = fc.oneof<fc.Arbitrary<Body>[]>(
  fc.record({ completed: fc.boolean() }),
  fc.record({ priority: fc.uniqueArray(priorities, { minLength: 1, maxLength: 3 }) }),
  fc.record({ category: which }),
  fc.record({ parent: fc.oneof(fc.constant('none' as const), which) }),
  fc.record({ label: fc.uniqueArray(fc.constantFrom('x', 'X', 'y', 'a,b', '\u00adx'), { minLength: 1, maxLength: 2 }) }),
  fc.record({ dueFrom: days }),
  fc.record({ dueTo: days }),
  fc.record({ startFrom: days }),
  fc.record({ startTo: days }),
  fc.record({ deadlineFrom: days }),
  fc.record({ deadlineTo: days }),
  fc.record({ overdue: fc.boolean() }),
  fc.record({ q: phrase }),
)
export const filters = fc.array(oneFilter, { maxLength: 2 }).map(some => Object.assign({}, ...some) as Body)
