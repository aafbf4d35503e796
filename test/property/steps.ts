// What a command means: the request that it sends, and what the model expects of the reply.
import { type Answer, document, type Schema } from '../support/spec.ts'
import type { Body, Which } from './bodies.ts'
import type { Command, Extra, ItemCommand, OtherCommand, ProfileCommand, Target, TurnCommand } from './commands.ts'
import type { Account } from './model/account.ts'
import { type Conditions, type Expected, invalid } from './model/replies.ts'
import type { Kind } from './model/state.ts'

export type Step = {
  method: string
  path: string
  body?: object | undefined
  conditions: Conditions
  /** the revision that the conditions are about */
  revision: number
  /** Asked once, after the request: it makes the change in the model. */
  expected: (reply: Answer) => Expected
}

const chosen = (digit: string) => `${digit.repeat(8)}-0000-7000-8000-000000000000`
const unknown = chosen('8')
const readOnly = ['TaskInput', 'CategoryInput', 'UserPatch'].flatMap(name => {
  const fields = Object.entries((document.components.schemas[name] as Schema).properties ?? {})
  return fields.flatMap(([field, schema]) => (schema['x-read-only'] === true ? field : []))
})

/** The ids by which commands name tasks and categories: those that a client may choose, and then those that the server made. */
export function createIds({ state }: Account) {
  const ids: Record<Kind, string[]> = { categories: [...'abc'].map(chosen), tasks: [...'cdef'].map(chosen) }

  /** The id that a number means; undefined if it counts those that are there, and none is. */
  function nth(kind: Kind, which: Which): string | undefined {
    const all = which < 0 ? [...state[kind].keys()] : ids[kind]
    return all.at(which % all.length)
  }
  return {
    add: (kind: Kind, id: string): unknown => ids[kind].push(id),
    nth: (kind: Kind, which: Which): string => nth(kind, which) ?? unknown,

    /** The body with the ids of the category and the parent that it means; without one where none is there. */
    refer({ category, parent, before, after, ...body }: Body, self: string = unknown): object {
      const idOf = (kind: Kind, named: Which | null) => (named === null ? null : (nth(kind, named) ?? null))
      const special = { self, deepest: deepest(), none: 'none' }
      return {
        ...body,
        ...(before !== undefined && { before: idOf('tasks', before) }),
        ...(after !== undefined && { after: idOf('tasks', after) }),
        ...(category !== undefined && { categoryId: idOf('categories', category) }),
        ...(parent !== undefined && { parentId: typeof parent === 'string' ? special[parent] : idOf('tasks', parent) }),
      }
    },
  }

  function deepest(): string | null {
    const [lowest] = [...state.tasks.values()].sort((a, b) => b.depth - a.depth)
    return lowest?.id ?? null
  }
}
export type Ids = ReturnType<typeof createIds>

export function stepOf(account: Account, ids: Ids, command: ItemCommand | ProfileCommand | TurnCommand | OtherCommand): Step {
  if (command.do === 'skip' || command.do === 'move') return turnStep(account, ids, command)
  if (!('kind' in command)) return otherStep(account, ids, command)
  return command.kind === 'profile' ? profileStep(account, command) : itemStep(account, ids, command as ItemCommand)
}

function itemStep(account: Account, ids: Ids, command: ItemCommand): Step {
  const { kind } = command
  const [model, rows] = [account[kind], account.state[kind]]
  if (command.do === 'create') {
    const body = ids.refer(command.body)
    const sent = withExtra(body, command.extra, undefined)
    const create = ({ status, body: reply }: Answer) => {
      const id = status === 201 ? (reply as { id: string }).id : ''
      if (status === 201) ids.add(kind, id)
      return model.create(id, body, command)
    }
    const { revision } = account.state // the conditions are about the list
    return { method: 'POST', path: `/${kind}`, body: sent, conditions: command, revision, expected: unlessForeign(command.extra, create) }
  }
  const id = ids.nth(kind, command.which)
  const row = rows.get(id)
  const step = { path: `/${kind}/${id}`, conditions: command, revision: row?.revision ?? 1 }
  if (command.do === 'get') return { ...step, method: 'GET', expected: () => model.get(id, command) }
  if (!('body' in command)) return { ...step, method: 'DELETE', expected: () => model.remove(id, command) }
  const body = ids.refer(command.body, id)
  const sent = withExtra(body, command.extra, { ...row, id })
  const name = command.do
  const change = (reply: Answer) => model[name](id, body, command, instantOf(reply))
  return { ...step, method: name.toUpperCase(), body: sent, expected: unlessForeign(command.extra, change) }
}

function profileStep({ profile: model, state }: Account, command: ProfileCommand): Step {
  const step = { path: '', conditions: command, revision: state.profile?.revision ?? 1 }
  if (command.do === 'get') return { ...step, method: 'GET', expected: () => model.get(command) }
  if (!('body' in command)) return { ...step, method: 'DELETE', expected: () => model.remove(command) }
  const { body } = command
  const sent = withExtra(body, command.extra, state.profile)
  return { ...step, method: 'PATCH', body: sent, expected: unlessForeign(command.extra, () => model.patch(body, command)) }
}

/** Of a change. For a refusal any instant will do. */
const instantOf = ({ body }: Answer) => (body as { updatedAt?: string } | undefined)?.updatedAt ?? '2026-01-01T00:00:00Z'

/** The requests on one task that have a path of their own. */
function turnStep(account: Account, ids: Ids, command: TurnCommand): Step {
  const id = ids.nth('tasks', command.which)
  const step = { method: 'POST', conditions: command, revision: account.state.tasks.get(id)?.revision ?? 1 }
  if (command.do === 'move') {
    const body = ids.refer(command.body, id)
    const keyOf = ({ body: reply }: Answer) => (reply as { sortKey?: string }).sortKey ?? ''
    return {
      ...step,
      path: `/tasks/${id}/move`,
      body,
      expected: reply => account.tasks.move(id, body, command, keyOf(reply), instantOf(reply)),
    }
  }
  return { ...step, path: `/tasks/${id}/skip`, expected: reply => account.tasks.skip(id, command, instantOf(reply)) }
}

/** Their conditions are about the account. */
function otherStep(account: Account, ids: Ids, command: OtherCommand): Step {
  const step = { conditions: command, revision: account.state.revision }
  const id = 'which' in command ? target(account, ids, command) : ''
  const label = 'label' in command ? command.label : ''
  const labelPath = `/labels/${encodeURIComponent(label)}`
  switch (command.do) {
    case 'tree':
      return { ...step, method: 'GET', path: `/tasks/${id}/tree`, expected: () => account.tasks.tree(id, command) }
    case 'restore':
      return { ...step, method: 'POST', path: `/trash/${id}/restore`, expected: () => account.trash.restore(id, command) }
    case 'purge':
      return { ...step, method: 'DELETE', path: `/trash/${id}`, expected: () => account.trash.purge(id, command) }
    case 'empty':
      return { ...step, method: 'DELETE', path: '/trash', expected: () => account.trash.empty(command) }
    case 'unlabel':
      return { ...step, method: 'DELETE', path: labelPath, expected: () => account.labels.remove(label, command) }
    case 'rename': {
      const { name } = command
      const body = name === undefined ? {} : { name }
      return { ...step, method: 'PATCH', path: labelPath, body, expected: () => account.labels.rename(label, name, command) }
    }
  }
}

/** The id of the task, the category or the item of the trash that a command is about. */
function target({ trash }: Account, ids: Ids, { of = 'tasks', which }: Partial<Target> & { which: Which }): string {
  if (of !== 'trash') return ids.nth(of, which)
  const items = trash.items()
  return items[which % items.length]?.row.id ?? unknown
}

/** The body with what `extra` says; `row` is the one that is there. */
function withExtra(body: object, extra: Extra, row: object | undefined): object {
  if (extra === 'foreign id') return { ...body, id: chosen('9') }
  const known = Object.entries(row ?? {}).filter(([name, value]) => readOnly.includes(name) && value !== undefined)
  return { ...(extra === 'read' && Object.fromEntries(known)), ...body }
}

const unlessForeign = (extra: Extra, expected: Step['expected']): Step['expected'] => (extra === 'foreign id' ? () => invalid : expected)

const reads: Command['do'][] = ['get', 'tree', 'list', 'reminders', 'labels', 'trash', 'summary']
export const isRead = (command: Command): boolean => reads.includes(command.do)
