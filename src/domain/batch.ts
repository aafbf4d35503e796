// The operations of a batch, one after the other. New rows of one table that follow each other are made in one statement.
import { randomUUIDv7 } from 'node:crypto'
import { Problem } from '../contract/problem.ts'
import type { AnyReply, Call, Unjudged } from '../contract/types.ts'
import type { Database } from '../database/database.ts'
import { createdReply } from '../resource/etag.ts'
import type { Item } from '../resource/item.ts'
import { createCategories } from './categories.ts'
import { createTasks } from './tasks.ts'

export type Operation = Call<'runBatch'>['body']['operations'][number]
type Name = 'tasks' | 'categories'
type Input = { parentId?: string | null }
type New = { index: number; table: Name; id: string; input: Input }
type Caller = Pick<Call<'runBatch'>, 'owner' | 'operations'>

/** Where the outcome of each operation goes, by its place. */
export type Outcomes = {
  request: (index: number) => Unjudged
  replied: (index: number, reply: AnyReply) => void
  /** Throws if the batch ends with this. */
  refused: (index: number, problem: Problem) => void
  /** Whether no further operation is executed. */
  isOver: () => boolean
}

/** The operations that can make a row, with the parameter that is its id. */
const makers: Partial<Record<Operation['operationId'], { table: Name; parameter?: 'taskId' | 'categoryId' }>> = {
  createTask: { table: 'tasks' },
  putTask: { table: 'tasks', parameter: 'taskId' },
  createCategory: { table: 'categories' },
  putCategory: { table: 'categories', parameter: 'categoryId' },
}

export function createBatch(db: Database) {
  const tables = { tasks: createTasks(db), categories: createCategories(db) }

  /** The ids of the batch that the owner has used, also for rows that are deleted. */
  async function usedIds(owner: string, all: readonly Operation[]): Promise<Set<string>> {
    const of = async (table: Name) => {
      const ids = all.flatMap(each => (makers[each.operationId]?.table === table ? (idOf(each) ?? []) : []))
      return tables[table].usedIds(owner, ids.filter(isId))
    }
    return new Set((await Promise.all([of('tasks'), of('categories')])).flat())
  }

  return async ({ owner, operations }: Caller, all: readonly Operation[], outcomes: Outcomes): Promise<void> => {
    const used = await usedIds(owner, all)
    let run: New[] = []
    let full: Problem | undefined

    for (const [index, operation] of all.entries()) {
      const row = await settle(index, async () => newRow(index, operation))
      if (row === undefined) continue
      if (row?.table !== run[0]?.table) await flush()
      if (row === null) await settle(index, () => execute(index))
      else run.push(row)
    }
    await flush()

    /** The row that an operation makes; null if it must be executed alone, because it depends on what is there. */
    function newRow(index: number, operation: Operation): New | null {
      const maker = makers[operation.operationId]
      if (maker === undefined || operation.ifMatch !== undefined || operation.ifNoneMatch !== undefined) return null
      const id = maker.parameter === undefined ? randomUUIDv7() : idOf(operation)
      if (id === undefined || used.has(id)) return null
      const input = operations.judged(operation.operationId, outcomes.request(index)).body as Input
      used.add(id)
      return input.parentId ? null : { index, table: maker.table, id, input }
    }

    async function flush() {
      const rows = run
      run = []
      full = undefined
      await insert(rows)
    }

    /** Where one of the rows is refused, each half goes on by itself. */
    async function insert(rows: New[]): Promise<void> {
      const [first] = rows
      if (first === undefined) return
      if (full !== undefined) return refuse(rows, full)
      if (rows.length === 1) {
        await settle(first.index, () => execute(first.index))
        return
      }
      const made = await insertAll(first.table, rows)
      if (made instanceof Problem) return refuse(rows, made)
      if (made !== undefined)
        return rows.forEach(({ index }, place) => void outcomes.replied(index, createdReply(made[place] as Item, owner, first.table)))
      const half = Math.ceil(rows.length / 2)
      await insert(rows.slice(0, half))
      await insert(rows.slice(half))
    }

    async function insertAll(table: Name, rows: New[]): Promise<Item[] | undefined | Problem> {
      if (outcomes.isOver()) return undefined
      const addAll = tables[table].addAll as (owner: string, inputs: object[]) => Promise<Item[] | undefined>
      try {
        return await addAll(
          owner,
          rows.map(({ id, input }) => ({ ...input, id })),
        )
      } catch (error) {
        if (!(error instanceof Problem)) throw error
        return error.status >= 500 ? error : undefined
      }
    }

    async function execute(index: number) {
      const { operationId } = all[index] as Operation
      outcomes.replied(index, await db.savepoint(() => operations.execute(operationId, outcomes.request(index))))
    }

    function refuse(rows: New[], problem: Problem) {
      for (const { index } of rows) outcomes.refused(index, problem)
    }

    /** Resolves with the result of the work; with undefined if it is refused. */
    async function settle<Result>(index: number, work: () => Promise<Result>): Promise<Result | undefined> {
      try {
        return await work()
      } catch (error) {
        if (!(error instanceof Problem)) throw error
        if (error.kind === 'quota-exceeded') full = error
        outcomes.refused(index, error)
        return undefined
      }
    }
  }
}

/** The id that the client has chosen for the row that an operation makes. */
function idOf({ operationId, path }: Operation): string | undefined {
  const parameter = makers[operationId]?.parameter
  return parameter === undefined ? undefined : path?.[parameter]?.toLowerCase()
}

const isId = (text: string) => /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(text)
