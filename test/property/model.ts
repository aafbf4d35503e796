// The expected state of one user's account after each request: maps and a number. Instants and ids of the server come from its replies.
import { finds, folded } from './text.ts'

export type Kind = 'categories' | 'tasks'
export type Row = { id: string | undefined; revision: number; createdAt?: string; updatedAt?: string; [field: string]: unknown }
export type Tag = 'current' | 'stale' | 'future' | 'weak' | 'several' | 'any' | 'nonsense'
/** What a body has beside its fields: the read-only fields as they were read, or the id of another resource. */
export type Extra = 'read' | 'foreign id' | undefined
export type Conditions = { ifMatch?: Tag | undefined; ifNoneMatch?: Tag | undefined }
export type Expected = {
  status: number
  /** null: there is none */
  etag: string | null
  /** The fields of the reply. A field that is undefined is copied from it. */
  row?: Row
}
export type Query = {
  completed?: boolean
  priority?: string[]
  categoryId?: string
  label?: string[]
  dueFrom?: string
  dueTo?: string
  startFrom?: string
  startTo?: string
  deadlineFrom?: string
  deadlineTo?: string
  overdue?: boolean
  q?: string
}

const defaults = {
  categories: { color: null, position: 0, sortKey: null },
  tasks: {
    ...{
      description: null,
      completed: false,
      completedAt: null,
      priority: 'none',
      categoryId: null,
      parentId: null,
      depth: 0,
      sortKey: null,
    },
    ...{
      dueDate: null,
      dueTime: null,
      startDate: null,
      deadlineDate: null,
      durationMinutes: null,
      timeZone: null,
      labels: [],
      reminders: [],
      recurrence: null,
      nextOccurrenceId: null,
    },
  },
}
const nullableTexts = ['description', 'color', 'timeZone']
const readOnly = ['id', 'email', 'completedAt', 'nextOccurrenceId', 'revision', 'createdAt', 'updatedAt']
const priorities = ['none', 'low', 'medium', 'high']
const collator = new Intl.Collator('und')

export const etag = (revision: number) => `"${revision}"`
const refused = (status: number, current?: Row): Expected => ({
  status,
  etag: current && status !== 409 && status !== 422 ? etag(current.revision) : null,
})
const shown = (status: number, row: Row): Expected => ({ status, etag: etag(row.revision), row })

/** The header that a tag stands for, for a row at that revision. */
export function header(tag: Tag, revision: number): string {
  const now = etag(revision)
  if (tag === 'stale') return etag(revision - 1)
  if (tag === 'future') return etag(revision + 1)
  return { current: now, weak: `W/${now}`, several: `"x",W/"0" , ${now}`, any: '*', nonsense: `"99999999999999999999", "0${revision}"` }[
    tag
  ]
}

/** The body with what `extra` says; `id` is the one of the resource, undefined where there is none yet. */
export function withExtra(body: object, extra: Extra, id: string | undefined, row: Row | undefined): object {
  if (extra === 'foreign id') return { ...body, id: '99999999-0000-7000-8000-000000000000' }
  const known =
    extra === undefined ? [] : Object.entries({ id, ...row }).filter(([name, value]) => readOnly.includes(name) && value !== undefined)
  return { ...Object.fromEntries(known), ...body }
}

type Reminder = { at: string | null; minutesBefore: number | null }
const isRelative = ({ minutesBefore }: Reminder) => minutesBefore !== null

/** An empty text in a field that can be null is null. The name of a category can't be. */
const stored = (body: object, names = nullableTexts): object =>
  Object.fromEntries(Object.entries(body).map(([name, value]) => [name, value === '' && names.includes(name) ? null : value]))

// Those that the commands can lead to.
const fewPositions = [...Array(20).keys(), 1_000_000]
const serverPosition = (position: number) => `h${position.toString(16).padStart(8, '0')}`

/** A key sets the position of a category, and a position without a key replaces the key. */
function inStep(kind: Kind, body: object): object {
  const { position, sortKey } = body as { position?: number; sortKey?: string | null }
  if (kind === 'tasks') return body
  if (typeof sortKey !== 'string') return position === undefined ? body : { ...body, sortKey: null }
  return { ...body, position: fewPositions.findLast(each => serverPosition(each) <= sortKey) ?? 0 }
}

/** The key of a row without one of its own. */
export function serverKey({ createdAt, position }: Row): string {
  const creation = (BigInt(Date.parse(`${(createdAt as string).slice(0, 19)}Z`)) * 1000n + BigInt(instant(createdAt).slice(-6)))
    .toString(16)
    .padStart(13, '0')
  return position === undefined ? `m${creation}` : `${serverPosition(position as number)}${creation}1`
}

const matches = (tag: Tag) => tag === 'current' || tag === 'several' || tag === 'any'
const unchanged = (tag: Tag | undefined) => tag === 'weak' || (tag !== undefined && matches(tag))
/** Whether the conditions refuse a change of a resource that exists. */
const forbids = ({ ifMatch, ifNoneMatch }: Conditions) => (ifMatch !== undefined && !matches(ifMatch)) || unchanged(ifNoneMatch)
/** The reply to a read of a row. */
function read(row: Row, { ifMatch, ifNoneMatch }: Conditions): Expected {
  if (ifMatch !== undefined && !matches(ifMatch)) return refused(412, row)
  return unchanged(ifNoneMatch) ? { status: 304, etag: etag(row.revision) } : shown(200, row)
}

/** `start` gives the revision before the first change of the account, which only the server knows. */
export function model(user: { id: string; email: string; name: string }, start: () => number) {
  let revision = 0
  let profile: Row | undefined
  const rows = { categories: new Map<string, Row>(), tasks: new Map<string, Row>() }

  function met(): Row {
    if (profile !== undefined) return profile
    revision = start() + 1
    profile = { ...user, timeZone: null, revision }
    return profile
  }

  /** Counts a change. The first contact is one of its own: it makes the profile. */
  function next(): number {
    met()
    return ++revision
  }

  /** Why the fields of a row are refused, though the schema takes them. */
  function refusal(kind: Kind, row: Row): Expected | undefined {
    if (kind === 'categories') {
      const name = folded(row.name as string)
      const duplicate = [...rows.categories.values()].some(each => each.id !== row.id && folded(each.name as string) === name)
      return duplicate ? refused(409) : undefined
    }
    const homeless = row.categoryId !== null && !rows.categories.has(row.categoryId as string)
    const dated = row.dueTime !== null || (row.reminders as Reminder[]).some(isRelative)
    return homeless || (dated && row.dueDate === null) ? refused(422) : undefined
  }

  function written(status: number, before: Row | undefined, row: Row): Expected {
    row.revision = next()
    if ('completed' in row) row.completedAt = row.completed ? (before?.completedAt ?? undefined) : null
    row.createdAt = before?.createdAt as string
    row.sortKey ??= undefined // the server's key, which follows from the reply
    row.updatedAt = undefined as never
    return shown(status, row)
  }

  return {
    /** How many changes the account has seen. */
    revision: () => revision,
    profile: () => profile,
    rows,

    create(kind: Kind, body: object): Expected {
      met()
      const row: Row = { id: undefined, revision: 0, ...defaults[kind], ...inStep(kind, stored(body)) }
      return refusal(kind, row) ?? written(201, undefined, row)
    },

    put(kind: Kind, id: string, body: object, conditions: Conditions): Expected {
      const before = rows[kind].get(id)
      if (before === undefined ? conditions.ifMatch !== undefined : forbids(conditions)) return refused(412, before)
      met()
      const row: Row = { id, revision: 0, ...defaults[kind], ...inStep(kind, stored(body)) }
      const wrong = refusal(kind, row)
      if (wrong !== undefined) return wrong
      rows[kind].set(id, row)
      return written(before === undefined ? 201 : 200, before, row)
    },

    patch(kind: Kind, id: string, body: object, conditions: Conditions): Expected {
      const before = rows[kind].get(id)
      if (before === undefined) return refused(404)
      if (forbids(conditions)) return refused(412, before)
      if (Object.keys(body).length === 0) return shown(200, before)
      const undated = 'dueDate' in body && body.dueDate === null
      const kept = {
        ...(undated && !('dueTime' in body) && { dueTime: null }),
        ...(undated && !('reminders' in body) && { reminders: (before.reminders as Reminder[]).filter(each => !isRelative(each)) }),
      }
      const row: Row = { ...before, ...inStep(kind, stored(body)), ...kept }
      const wrong = refusal(kind, row)
      if (wrong !== undefined) return wrong
      rows[kind].set(id, row)
      return written(200, before, row)
    },

    remove(kind: Kind, id: string, conditions: Conditions): Expected {
      const before = rows[kind].get(id)
      if (before === undefined) return refused(404)
      if (forbids(conditions)) return refused(412, before)
      const now = next()
      rows[kind].delete(id)
      for (const task of rows.tasks.values())
        if (task.categoryId === id) Object.assign(task, { categoryId: null, revision: now, updatedAt: undefined })
      return { status: 204, etag: null }
    },

    get(kind: Kind, id: string, conditions: Conditions): Expected {
      const row = rows[kind].get(id)
      return row === undefined ? refused(404) : read(row, conditions)
    },

    getUser: (conditions: Conditions): Expected => read(met(), conditions),

    updateUser(body: object, conditions: Conditions): Expected {
      const row = met()
      if (forbids(conditions)) return refused(412, row)
      if (Object.keys(body).length === 0) return shown(200, row)
      Object.assign(row, stored(body, ['name', 'timeZone']), { revision: ++revision, updatedAt: undefined })
      return shown(200, row)
    },

    deleteUser(conditions: Conditions): Expected {
      if (profile === undefined ? conditions.ifMatch !== undefined : forbids(conditions)) return refused(412, profile)
      profile = undefined
      revision = 0
      for (const kind of Object.values(rows)) kind.clear()
      return { status: 204, etag: null }
    },

    /** The revision that a condition on the profile or a row is about. */
    versionOf: (kind: Kind | 'profile', id: string) => (kind === 'profile' ? profile : rows[kind].get(id))?.revision ?? 1,

    categories: () => [...rows.categories.values()].sort((a, b) => byText(a.sortKey, b.sortKey) || byText(a.id, b.id)),

    tasks(query: Query, sort: string): Row[] {
      if (sort === 'relevance') return byRelevance(this.tasks(query, '-createdAt'), query.q as string)
      const down = sort.startsWith('-')
      const compare = orders[sort.replace('-', '') as keyof typeof orders]
      return [...rows.tasks.values()]
        .filter(task => selected(task, query))
        .sort((a, b) => {
          // Without a due date comes last in both directions.
          if (sort.endsWith('dueDate') && (a.dueDate === null) !== (b.dueDate === null)) return a.dueDate === null ? 1 : -1
          return (compare(a, b) || byText(a.id, b.id)) * (down ? -1 : 1)
        })
    },
  }
}

/** Whether the day of a task is in a range; without bounds, every task is. */
function isWithin(day: unknown, from: string | undefined, to: string | undefined): boolean {
  if (from === undefined && to === undefined) return true
  return typeof day === 'string' && day >= (from ?? day) && day <= (to ?? day)
}

/** The days of the model are so far from now that neither the time of day nor the time zone matters. */
const isOverdue = ({ completed, dueDate }: Row) => completed === false && dueDate === '0001-01-01'

function selected(task: Row, query: Query): boolean {
  const { completed, priority, categoryId, label, overdue, q } = query
  return (
    (completed === undefined || task.completed === completed) &&
    (priority === undefined || priority.includes(task.priority as string)) &&
    (categoryId === undefined || task.categoryId === categoryId) &&
    (label === undefined || label.every(each => (task.labels as string[]).map(folded).includes(folded(each)))) &&
    isWithin(task.dueDate, query.dueFrom, query.dueTo) &&
    isWithin(task.startDate, query.startFrom, query.startTo) &&
    isWithin(task.deadlineDate, query.deadlineFrom, query.deadlineTo) &&
    (overdue === undefined || isOverdue(task) === overdue) &&
    (q === undefined || finds(q, `${task.title} ${task.description ?? ''}`))
  )
}

/** Of the newest 200, those whose title has all words come first. */
function byRelevance(newestFirst: Row[], q: string): Row[] {
  const isFirst = (task: Row, index: number) => index < 200 && finds(q, task.title as string)
  return [...newestFirst.filter(isFirst), ...newestFirst.filter((task, index) => !isFirst(task, index))]
}

const byText = (a: unknown, b: unknown) => Buffer.compare(Buffer.from(String(a)), Buffer.from(String(b)))
const start = (title: unknown) => [...(title as string)].slice(0, 100).join('')

const orders = {
  createdAt: (a: Row, b: Row) => byText(instant(a.createdAt), instant(b.createdAt)),
  updatedAt: (a: Row, b: Row) => byText(instant(a.updatedAt), instant(b.updatedAt)),
  dueDate: (a: Row, b: Row) => byText(a.dueDate, b.dueDate) || byText(a.dueTime ?? '24:00', b.dueTime ?? '24:00'),
  priority: (a: Row, b: Row) => priorities.indexOf(a.priority as string) - priorities.indexOf(b.priority as string),
  sortKey: (a: Row, b: Row) => byText(a.sortKey, b.sortKey),
  title: (a: Row, b: Row) => collator.compare(start(a.title), start(b.title)) || byText(start(a.title), start(b.title)),
}

/** An instant as text that sorts: with all six digits of its second's fraction. */
export function instant(text: string | undefined): string {
  const [seconds = '', fraction = ''] = (text ?? '').replace('Z', '').split('.')
  return `${seconds}.${fraction.padEnd(6, '0')}`
}
