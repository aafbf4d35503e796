// Plays commands to a new account and to its model, and holds one to the other.
import { expect } from 'vitest'
import { client, type Problem } from '../support/client.ts'
import type { Answer } from '../support/spec.ts'
import { type Service, tokenOf } from '../support/taskspec.ts'
import type { Command, ListCommand } from './commands.ts'
import { compareTrash, list } from './lists.ts'
import { createAccount } from './model/account.ts'
import { addCopies, type Copy } from './model/occurrences.ts'
import { serverKey } from './model/order.ts'
import { type Conditions, type Expected, etag, header, type Reason } from './model/replies.ts'
import { type AnyRow, byText, type Category, instant, type Task } from './model/state.ts'
import { createIds, isRead, type Step, stepOf } from './steps.ts'

export type Player = { play: (command: Command) => Promise<void>; compare: () => Promise<void> }

let accountCount = 0

/** The revision before the first change of an account; 0 if there is none. */
async function startOf({ sql }: Service, id: string): Promise<number> {
  const [row] = await sql<{ start: string }[]>`select start_revision as start from users where id = ${id}`
  return Number(row?.start ?? 0)
}

export async function createPlayer(service: Service): Promise<Player> {
  const claims = { email: 'ann@example.com', name: 'Ann' }
  const id = `ann-${accountCount++}`
  const ann = client(service.url, await tokenOf(id, claims))
  let start = 0
  const account = createAccount({ id, ...claims }, () => start)
  const { state } = account
  const ids = createIds(account)
  let clock = ''

  async function send({ method, path, body, conditions, revision }: Step): Promise<Answer> {
    const type = method === 'PATCH' && revision % 2 === 0 ? 'application/merge-patch+json' : 'application/json'
    const headers = { ...conditionHeaders(conditions, revision), ...(body && { 'content-type': type }) }
    const answer = await ann.send(method, `/v1/users/me${path}`, { headers, ...(body && { body: JSON.stringify(body) }) })
    if (state.revision === 0) start = await startOf(service, id)
    return answer
  }

  /** Compares the reply with the model, and copies the values that only the server can choose into the model. */
  function settle(answer: Answer, expected: Expected) {
    if (expected.reasons !== undefined) return expectRefusal(answer, expected.reasons)
    const { status, headers, body } = answer
    expect([status, headers.get('etag')], JSON.stringify(body)).toEqual([expected.status, expected.etag])
    if (expected.row !== undefined) learn(expected.row, body as AnyRow)
    if (expected.body !== undefined) expect(body).toEqual(expected.body)
    if (status === 201) expect(expected.row?.createdAt).toBe(expected.row?.updatedAt)
  }

  function learn(row: AnyRow, reply: AnyRow) {
    const expected = Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined))
    expect(reply).toEqual({ ...reply, ...expected })
    if ('sortKey' in row && row.sortKey === undefined) expect(reply).toHaveProperty('sortKey', serverKey(reply as Task | Category))
    const isFresh = row.updatedAt === undefined && row.revision === state.revision
    if (isFresh) expect(instant(reply.updatedAt) >= clock, `${reply.updatedAt} is not after ${clock}`).toBe(true)
    if (isFresh && 'completedAt' in row && row.completedAt === undefined) expect(reply).toHaveProperty('completedAt', reply.updatedAt)
    clock = [clock, instant(reply.updatedAt)].sort()[1] as string
    Object.assign(row, reply)
  }

  /** The account as a whole, and its ETag, which changes with every write and with nothing else. */
  async function compare() {
    const now = etag(state.revision)
    const whole = { query: { limit: 100 }, headers: { 'If-None-Match': etag(state.revision + 1) } }
    const [tasks, categories] = await Promise.all([ann.listTasks(whole, 200), ann.listCategories(whole, 200)])
    expect([tasks.etag, categories.etag]).toEqual([now, now])
    const byTime = tasks.body.items.toSorted((a, b) => byText(instant(a.updatedAt), instant(b.updatedAt)))
    for (const task of byTime) learn(state.tasks.get(task.id) ?? expect.fail(`there is a task too many: ${task.id}`), task)
    expect(tasks.body.items).toEqual(account.listTasks({}, '-createdAt'))
    expect(categories.body.items).toEqual(account.categories.list())
  }

  async function playStep(command: Exclude<Command, ListCommand>) {
    // The server chooses the revision of a new account, so that a condition can name it only after a reply.
    const isEarly = 'kind' in command && command.kind === 'profile' && state.revision === 0
    if (isEarly && (command.ifMatch !== undefined || command.ifNoneMatch !== undefined)) await playStep({ do: 'get', kind: 'profile' })
    const step = stepOf(account, ids, command)
    const answer = await send(step)
    const expected = step.expected(answer)
    settle(answer, expected)
    const { copies = [] } = expected
    if (copies.length > 0) await meet(copies, (answer.body as { nextOccurrenceId: string }).nextOccurrenceId)
  }

  /** Learns the ids of copies from their tree. The server makes them one after the other. */
  async function meet(copies: Copy[], id: string) {
    const { body } = await ann.getTaskTree({ path: { taskId: id } }, 200)
    const made = body.items.toSorted((a, b) => byText(instant(a.createdAt), instant(b.createdAt))).map(item => item.id)
    expect(made).toHaveLength(copies.length)
    expect(made[0]).toBe(id)
    for (const each of made) expect(state.tasks.has(each) || state.trash.tasks.has(each), `${each} was there before`).toBe(false)
    for (const each of made) ids.add('tasks', each)
    addCopies(state, copies, made)
  }

  return {
    async compare() {
      await compare()
      await compareTrash(ann, account, 100)
    },

    async play(command) {
      if (isList(command)) await list(ann, account, ids, command)
      else await playStep(command)
      // A read must not make a revision. That it changed nothing else shows the comparison after the next write, or the one at the end.
      if (isRead(command)) await ann.listTasks({ headers: { 'If-None-Match': etag(state.revision) } }, 304)
      else await compare()
      if (trashing.includes(command.do)) await compareTrash(ann, account, 100)
    },
  }
}

const trashing: Command['do'][] = ['delete', 'put', 'restore', 'purge', 'empty']
const lists: Command['do'][] = ['list', 'reminders', 'labels', 'trash', 'summary']
const isList = (command: Command): command is ListCommand => lists.includes(command.do)

const conditionHeaders = ({ ifMatch, ifNoneMatch }: Conditions, revision: number) => ({
  ...(ifMatch && { 'if-match': header(ifMatch, revision) }),
  ...(ifNoneMatch && { 'if-none-match': header(ifNoneMatch, revision) }),
})

/** A refusal names reasons that apply, all with the status of the reply. */
function expectRefusal({ status, headers, body }: Answer, reasons: Reason[]) {
  const { errors } = body as Problem
  expect(headers.get('etag')).toBe(null)
  expect(errors.length).toBeGreaterThan(0)
  for (const { pointer, code } of errors) expect(reasons).toContainEqual({ status, pointer, code })
}
