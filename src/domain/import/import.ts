// The import of a file into an account. Rows are read one by one, judged, and written in groups, each by one statement. A group that was
// written stays, whatever happens later: importing the file again does the rest, and finds what is there unchanged.
import { setImmediate as turn } from 'node:timers/promises'
import { Problem } from '../../contract/problem.ts'
import type { Call } from '../../contract/types.ts'
import type { Database } from '../../database/database.ts'
import { quotas } from '../quota.ts'
import { createUsers } from '../users.ts'
import { createCategoryImport } from './categories.ts'
import { createGroup, groupSize } from './group.ts'
import { createItems, type ImportRow, reasonsOf, type TaskEntry } from './items.ts'
import { createProfileImport } from './profile.ts'
import { createReferences } from './references.ts'
import { createReport, type ImportFault, type ImportReport } from './report.ts'
import { createTaskImport } from './tasks.ts'
import { createWaiting } from './waiting.ts'

/** `keepsOrphans`: a task whose parent is not there has none, instead of being refused. */
export type ImportOptions = { dryRun: boolean; keepsOrphans: boolean }
type Caller = Pick<Call<'importAccount'>, 'owner' | 'claims' | 'operations'>

const maxItems = 2 * (quotas.tasks + quotas.categories) // twice what an account can have
const rowsPerTurn = 20 // other requests go on between
const maxRuleMs = 20_000 // of the processor, for the rules of all tasks: a hostile one takes 50 ms

const unknownParent = { place: 'parentId', reason: 'must be the id of one of your tasks, or of one in the file that is not refused' }
const unknownCategory = {
  place: 'categoryId',
  reason: 'must be the id of one of your categories, or of one in the file that is not refused',
}
const noParent = { place: 'parentId', reason: 'The task above it is neither in the file nor in your account, so it has none.' }
const ownParent = { place: 'parentId', reason: 'must not be the task itself or one below it' }
const excess = {
  items: `The file has more than ${maxItems.toLocaleString('en')} items.`,
  errors: 'There are too many errors.',
  rules: 'The recurrences take too long to check.',
}

export function createImport(db: Database) {
  const users = createUsers(db)
  const putProfile = createProfileImport(db)
  const categoryImport = createCategoryImport(db)
  const taskImport = createTaskImport(db)

  return async (caller: Caller, rows: AsyncIterable<ImportRow>, { dryRun, keepsOrphans }: ImportOptions): Promise<ImportReport> => {
    const { owner, claims } = caller
    const report = createReport(dryRun)
    const items = createItems(caller)
    const waiting = createWaiting()
    const missing = ({ input }: TaskEntry, need: string) => (need === input.parentId ? unknownParent : unknownCategory)
    const wait = (entry: TaskEntry, need: string) => waiting.add(entry, need) || report.fail(entry.line, [missing(entry, need)])
    const categories = categoryImport({
      ...{ owner, dryRun },
      refuse: ({ line }, reasons) => report.fail(line, reasons),
      done({ id }, outcome) {
        report.count(`category ${id}`, outcome)
        waiting.release(id)
      },
    })
    const putTasks = taskImport({
      ...{ owner, dryRun, wait },
      refuse: ({ line }, reasons) => report.fail(line, reasons),
      done({ id }, outcome) {
        report.count(id, outcome)
        waiting.release(id)
      },
    })
    const inCategories = createReferences({ items, categories, wait, refuse: ({ line }, reasons) => report.fail(line, reasons) })
    let group = createGroup()
    let ruleMs = 0

    if (!dryRun) await users.ensure(owner, claims)
    try {
      await readAll()
    } catch (error) {
      throw error instanceof Problem ? report.interrupted(error) : error
    }
    return report.body()

    async function readAll() {
      let count = 0
      for await (const row of rows) {
        const end = count >= maxItems ? excess.items : report.hasTooManyErrors() ? excess.errors : ruleMs > maxRuleMs ? excess.rules : null
        if (end !== null) {
          report.note({ line: row.line, place: null, reason: end, lost: 'rest' })
          break
        }
        count++
        if (isFault(row)) report.note(row)
        else if (add(row) || count % rowsPerTurn === 0) await turn()
        if (group.isFull()) await flush()
      }
      await flush()
      if (keepsOrphans) await putOrphans()
      for (const { need, entry } of waiting.rest()) report.fail(entry.line, [waiting.isCycle(entry.id) ? ownParent : missing(entry, need)])
    }

    /** Returns whether it may have taken long. */
    function add({ line, item }: Exclude<ImportRow, ImportFault>): boolean {
      const before = process.threadCpuUsage()
      const hasRule = typeof item.body.recurrence === 'object' && item.body.recurrence !== null
      try {
        group.add(items.judged(line, item))
      } catch (error) {
        report.fail(line, reasonsOf(error))
      }
      const { user, system } = process.threadCpuUsage(before)
      if (hasRule) ruleMs += (user + system) / 1000
      return hasRule
    }

    async function flush() {
      const { profile, categories: ofFile, tasks } = group
      group = createGroup()
      const user = profile()
      if (user !== undefined) report.count('profile', await putProfile(user, { owner, claims, dryRun }))
      await categories.put([...ofFile.values()])
      await putAll([...tasks.values()])
    }

    /** With those that have waited for them. */
    async function putAll(tasks: TaskEntry[]) {
      for (const { id } of tasks) waiting.forget(id)
      const more = () => waiting.take(groupSize)
      for (let next = tasks.length > 0 ? tasks : more(); next.length > 0; next = more()) await putTasks(await inCategories(next))
    }

    async function putOrphans() {
      const orphans = waiting.orphans()
      for (const { line } of orphans) report.note({ line, ...noParent, lost: 'value' })
      const roots = orphans.map(task => ({ ...task, input: { ...task.input, parentId: null } }))
      while (roots.length > 0) await putAll(roots.splice(0, groupSize))
    }
  }
}

const isFault = (row: ImportRow): row is ImportFault => 'lost' in row
