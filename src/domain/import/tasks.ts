// The tasks of an import, in groups: what is there, what follows for each task of the group, and one statement that writes it.
import { Problem } from '../../contract/problem.ts'
import type { Database } from '../../database/database.ts'
import { type Part, sql } from '../../database/sql.ts'
import { mayUse } from '../access.ts'
import { place as placeOf } from '../place.ts'
import { settled, withRevision } from '../revision.ts'
import { insertedTaskKey } from '../sort-key.ts'
import { maxAttempts } from '../subtasks.ts'
import type { Task } from '../task.ts'
import { createTasks } from '../tasks.ts'
import { createTrees } from '../trees.ts'
import { reasonsOf, type TaskEntry } from './items.ts'
import { createGroupStatement, inParts, isOfRow, liveRoom, type Refusal } from './parts.ts'
import { type Found, full, type Plan, planTasks, type Simulated } from './plan.ts'
import type { Outcome } from './report.ts'

type Run = {
  owner: string
  dryRun: boolean
  done: (entry: TaskEntry, outcome: Outcome) => void
  /** a task that needs a parent that is not there */
  wait: (entry: TaskEntry, parentId: string) => void
  refuse: (entry: TaskEntry, reasons: Refusal[]) => void
}

const any = { match: null, except: null }
const refused: Refusal = { place: null, reason: 'The database refuses a value of the task.' }

export function createTaskImport(db: Database) {
  const tasks = createTasks(db)
  const { item, columns, fields, hasRoomFor, makeRoom, maxRows } = tasks.rows
  const trees = createTrees(db, tasks.rows)
  const completed = sql`case when each.completed then coalesce(each."completedAt", now()) end`
  const sortKey = insertedTaskKey(sql`each."sortKey"`, sql`coalesce(each."createdAt", now())`)
  const write = createGroupStatement(db, 'tasks', { item, fields, hasRoomFor }, { completed, sortKey })

  async function read(owner: string, ids: readonly string[]) {
    const isParent: Part = sql`
      exists (
        select from tasks as child
        where ${mayUse(sql`child.owner_id`, sql`${owner}`)} and child.parent_id = item.id and child.deleted_at is null)`
    const page = sql`
      (
        select ${columns}, item.deleted_at is not null as is_deleted, item.sort_key as own_key, ${isParent} as is_parent
        from ${item}
        where ${mayUse(sql`item.owner_id`, sql`${owner}`)} and item.id = any(${ids}::uuid[])) as item`
    const shown = sql`${columns}, item.is_deleted, item.own_key, item.is_parent`
    const found = await db.read<Found & { asOf: number }>('find tasks', withRevision(sql`${owner}`, shown, page))
    return { asOf: found[0]?.asOf ?? 0, rows: found.filter(each => each.isDeleted !== null) }
  }

  return ({ owner, dryRun, done, wait, refuse }: Run) => {
    let isFull = false
    let simulated: Simulated | undefined

    /** One attempt; undefined if another change of the account came first. */
    async function attempt(entries: readonly TaskEntry[]): Promise<Plan | undefined> {
      const ids = entries.flatMap(({ id, input }) => (input.parentId === null ? id : [id, input.parentId]))
      const { asOf, rows } = await read(owner, [...new Set(ids)])
      const room = isFull ? 0 : (simulated?.room ?? Number.POSITIVE_INFINITY)
      const result = planTasks(entries, rows, room, simulated)
      const changed = result.planned.filter(({ outcome }) => outcome !== 'unchanged')
      if (dryRun || changed.length === 0) return result
      const fresh = changed.filter(({ isFresh }) => isFresh).length
      if ((await write({ owner, asOf, rows: changed.map(({ row }) => row), fresh })) > 0) return result
      if (fresh > 0) await makeRoom(owner, fresh)
      return undefined
    }

    function simulate({ planned }: Plan, { places, parents }: Simulated) {
      for (const { row, outcome } of planned) {
        const { id, parentId, categoryId, depth } = row
        places.set(id, { id, parentId, categoryId, depth }) // not the row: there may be 100,000
        if (parentId !== null) parents.add(parentId)
        if (outcome === 'created' && simulated !== undefined) simulated.room--
      }
    }

    /** Moves a task with everything below it. */
    async function move({ id, input: { parentId, categoryId } }: TaskEntry): Promise<void> {
      if (simulated === undefined) return void (await tasks.update(owner, id, any, { parentId, categoryId }))
      const family = await trees.read(owner, id, parentId)
      const task = { ...family.task, ...simulated.places.get(id) } as Task
      const parent = parentId === null ? undefined : ({ ...family.parent, ...simulated.places.get(parentId) } as Task)
      const { fields, shift, below } = placeOf(task, { ...family, parent }, { parentId, categoryId })
      const { categoryId: home } = fields
      for (const each of [task, ...family.below.filter(({ id }) => below.includes(id))]) {
        const place = { id: each.id, parentId: each === task ? parentId : each.parentId, categoryId: home, depth: each.depth + shift }
        simulated.places.set(each.id, place)
      }
    }

    function refusal(error: unknown): Refusal[] | undefined {
      if (error instanceof Problem && error.kind === 'quota-exceeded') return [full]
      return isOfRow(error) ? [refused] : undefined
    }

    /** Resolves with the tasks that are left. */
    async function putPart(entries: readonly TaskEntry[]): Promise<readonly TaskEntry[]> {
      const result = await settled(maxAttempts, () => attempt(entries))
      if (simulated !== undefined) simulate(result, simulated)
      for (const [entry, reasons] of result.failed) refuse(entry, reasons)
      for (const entry of result.waiting) wait(entry, entry.input.parentId as string)
      for (const { entry, outcome } of result.planned) done(entry, outcome) // last, because some may have waited for it
      const [moving, ...others] = result.rest
      if (moving === undefined) return []
      try {
        await move(moving)
        return [{ ...moving, isMoved: true }, ...others]
      } catch (error) {
        refuse(moving, reasonsOf(error))
        return others
      }
    }

    return async function put(entries: readonly TaskEntry[]): Promise<void> {
      if (dryRun) simulated ??= { places: new Map(), parents: new Set(), room: await liveRoom(db, 'tasks', { item, maxRows }, owner) }
      await inParts(entries, putPart, refusal, (entry, reasons) => {
        isFull ||= reasons[0] === full
        refuse(entry, reasons)
      })
    }
  }
}
