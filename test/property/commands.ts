// Random sequences of requests to one account. Values are few, so that they meet.
import fc from 'fast-check'
import type { Input } from '../support/client.ts'
import type { Conditions, Extra, Kind, Tag } from './model.ts'
import { maybe } from './values.ts'

type Body = { category?: number | null; [field: string]: unknown }
type Sort = NonNullable<NonNullable<Input<'listTasks'>['query']>['sort']>
export type Command =
  | { do: 'create'; kind: Kind; body: Body; extra: Extra }
  | ({ do: 'put' | 'patch'; kind: Kind; which: number; body: Body; extra: Extra } & Conditions)
  | ({ do: 'get' | 'delete'; kind: Kind; which: number } & Conditions)
  | ({ do: 'get' | 'delete'; kind: 'profile' } & Conditions)
  | ({ do: 'patch'; kind: 'profile'; body: Body; extra: Extra } & Conditions)
  | { do: 'list'; kind: 'tasks'; filter: Body; sort: Sort; limit: number }

const words = fc.constantFrom(
  ...['ferry', 'Ferry', 'fer', 'wall', 'WALL', 'Émile', 'a', 'A', 'ä', 'z', '10', '9', 'e\u0301', 'é', '😀', 'Straße', 'strasse', 'ΟΔΟΣ'],
  ...['中', '会議', '会議資料', '議資', 'ガ', 'ｶﾞ', 'カ', 'ประชุม', 'ชุม', '회의를', '의를', 'm²', 'fe\u200brry', 'ｗall'],
)
const borders = fc.constantFrom(' ', ' ', '/', '_', '“', '', '\u200b', '\u3000')
const phrase = fc.tuple(words, maybe(fc.tuple(borders, words), null)).map(([first, more]) => first + (more ?? []).join(''))
const days = fc.constantFrom('2527-01-01', '2527-01-02', '0001-01-01', '9999-12-31')
const names = fc.constantFrom(
  'Home',
  'HOME',
  'home',
  'Home ',
  ' ho\u200bme',
  'Ho\u00a0me',
  'Été',
  'éTÉ',
  'E\u0301te\u0301',
  'Straße',
  'STRASSE',
  'ΑΣ',
  'ας',
  'İ',
  'i̇',
  '中',
)
const priorities = fc.constantFrom('none', 'low', 'medium', 'high')
const labels = fc.uniqueArray(fc.constantFrom('x', 'X', 'y', 'a,b', '{"', 'NULL'), { maxLength: 4, size: 'max' })
const reminders = fc.uniqueArray(
  fc.constantFrom(
    ...[0, 1, 525_600].map(minutesBefore => ({ at: null, minutesBefore })),
    ...['2527-01-01T09:00:00Z', '0001-01-01T00:00:00.5Z'].map(at => ({ at, minutesBefore: null })),
  ),
  { maxLength: 3 },
)
// Some at the borders of positions.
const keys = maybe(fc.constantFrom('a0', 'a0V', 'Zz', 'z'.repeat(27), 'h00000001', 'h00000001V', 'h0000000Z', 'h000f4240zz'), null)
const which = fc.oneof(fc.nat({ max: 1 }), fc.nat({ max: 9 }))
const zones = maybe(fc.constantFrom('', 'UTC', 'Europe/Helsinki'), null)

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
    category: fc.oneof({ arbitrary: fc.constant(null), weight: 1 }, { arbitrary: fc.nat({ max: 5 }), weight: 2 }),
    sortKey: keys,
    dueDate: maybe(days, null),
    dueTime: maybe(fc.constantFrom('00:00', '23:59'), null),
    startDate: maybe(days, null),
    deadlineDate: maybe(days, null),
    durationMinutes: maybe(fc.constantFrom(1, 90, 525_600), null),
    timeZone: zones,
    labels,
    reminders,
  },
}
const whole = {
  categories: fc.record<Body>(fields.categories, { requiredKeys: ['name'] }),
  // The schema itself wants a date where there is a time.
  tasks: fc
    .record<Body>(fields.tasks, { requiredKeys: ['title'] })
    .filter(
      ({ dueTime, dueDate, reminders = [] }) =>
        typeof dueDate === 'string' || (typeof dueTime !== 'string' && (reminders as { at: unknown }[]).every(({ at }) => at !== null)),
    ),
}
const partial = {
  categories: fc.record<Body>(fields.categories, { requiredKeys: [] }),
  tasks: fc.record<Body>(fields.tasks, { requiredKeys: [] }),
}

const tag = fc.constantFrom<Tag>('current', 'current', 'current', 'stale', 'future', 'weak', 'several', 'any', 'nonsense')
const none = fc.constant(undefined)
const forChange = fc.record({ ifMatch: fc.oneof(none, none, none, tag), ifNoneMatch: fc.oneof(none, none, none, tag) })
const forRead = fc.record({ ifMatch: fc.oneof(none, none, none, tag), ifNoneMatch: fc.oneof(none, tag) })

const extra = fc.constantFrom<Extra>(undefined, undefined, undefined, undefined, 'read', 'read', 'foreign id')

function of(kind: Kind): fc.MaybeWeightedArbitrary<Command>[] {
  const named = fc.constant(kind)
  const one = { kind: named, which }
  return [
    { weight: 4, arbitrary: fc.record({ do: fc.constant('create'), kind: named, body: whole[kind], extra }) },
    { weight: 5, arbitrary: conditional(fc.record({ do: fc.constant('put'), ...one, body: whole[kind], extra }), forChange) },
    { weight: 4, arbitrary: conditional(fc.record({ do: fc.constant('patch'), ...one, body: partial[kind], extra }), forChange) },
    { weight: 3, arbitrary: conditional(fc.record({ do: fc.constant('delete'), ...one }), forChange) },
    { weight: 2, arbitrary: conditional(fc.record({ do: fc.constant('get'), ...one }), forRead) },
  ]
}

function conditional<Bare extends object>(
  command: fc.Arbitrary<Bare>,
  conditions: fc.Arbitrary<Conditions>,
): fc.Arbitrary<Bare & Conditions> {
  return fc.tuple(command, conditions).map(([bare, more]) => ({ ...bare, ...more }))
}

const profile = { kind: fc.constant('profile') }
const filters = fc.oneof<fc.Arbitrary<Body>[]>(
  fc.record({ completed: fc.boolean() }),
  fc.record({ priority: fc.uniqueArray(priorities, { minLength: 1, maxLength: 3 }) }),
  fc.record({ category: fc.nat({ max: 5 }) }),
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
const filter = fc.array(filters, { maxLength: 2 }).map(some => Object.assign({}, ...some) as Body)
const limit = fc.constantFrom(1, 2, 3, 100)
const list = fc.record({
  do: fc.constant('list'),
  kind: fc.constant('tasks'),
  filter,
  sort: fc.constantFrom<Sort>(
    'createdAt',
    '-createdAt',
    'updatedAt',
    '-updatedAt',
    'dueDate',
    '-dueDate',
    'priority',
    '-priority',
    'title',
    '-title',
    'sortKey',
    '-sortKey',
  ),
  limit,
})
const search = fc.record({
  do: fc.constant('list'),
  kind: fc.constant('tasks'),
  filter: fc.tuple(filter, phrase).map(([rest, q]): Body => ({ ...rest, q })),
  sort: fc.constant<Sort>('relevance'),
  limit,
})

const command = fc.oneof<fc.MaybeWeightedArbitrary<Command>[]>(
  ...of('tasks'),
  ...of('categories'),
  { weight: 16, arbitrary: list },
  { weight: 4, arbitrary: search },
  { weight: 1, arbitrary: conditional(fc.record({ do: fc.constant('get'), ...profile }), forRead) },
  {
    weight: 1,
    arbitrary: conditional(
      fc.record({
        do: fc.constant('patch'),
        ...profile,
        body: fc.record<Body>({ name: maybe(fc.oneof(names, fc.constant('')), null), timeZone: zones }, { requiredKeys: [] }),
        extra,
      }),
      forChange,
    ),
  },
  {
    weight: 1,
    arbitrary: conditional(
      fc.record({ do: fc.constant('delete'), ...profile }),
      fc.record({ ifMatch: tag, ifNoneMatch: fc.oneof(none, none, tag) }),
    ),
  },
)
const task = fc.oneof<fc.Arbitrary<Command>[]>(
  whole.tasks.map(body => ({ do: 'create', kind: 'tasks', body, extra: undefined })),
  fc.tuple(whole.tasks, fc.nat({ max: 2 })).map(([body, which]) => ({ do: 'put', kind: 'tasks', which, body, extra: undefined })),
)

/** Some tasks, and then anything. */
export const commands: fc.Arbitrary<Command[]> = fc
  .tuple(fc.array(task, { maxLength: 8, size: 'max' }), fc.array(command, { minLength: 1, maxLength: 30, size: 'max' }))
  .map(lists => lists.flat())
