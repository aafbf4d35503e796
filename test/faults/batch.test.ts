// The database is lost in the middle of a batch.
import { expect, type TestContext } from 'vitest'
import { type Client, client, type Input } from '../support/client.ts'
import { eventually } from '../support/clock.ts'
import { lockWaits } from '../support/lock.ts'
import { listening, run } from '../support/process.ts'
import { type Service, start, test, tokenOf } from '../support/taskspec.ts'
import { createLine } from './line.ts'

type Body = NonNullable<Input<'runBatch'>['body']>

const insert = 'insert into tasks'
const update = 'update tasks'

/** A user with a task, of a server whose next answer to a statement can be lost. */
async function connect(atEnd: TestContext['onTestFinished'], service: Service, name: string) {
  const line = await createLine(atEnd, service.databaseUrl)
  let armed: string | undefined
  const observe = (text: string) => {
    if (armed === undefined || !text.includes(armed)) return
    armed = undefined
    line.loseNextAnswer()
  }
  const server = await start({ databaseUrl: line.url, observe, timeouts: { databaseFactor: 10 } })
  atEnd(server.stop)
  const ann = client(server.url, await tokenOf(name))
  const { body: task } = await ann.createTask({ body: { title: 'first' } })
  const create = (title: string) => ({ operationId: 'createTask' as const, body: { title } })
  const change = { operationId: 'updateTask' as const, path: { taskId: task.id }, body: { priority: 'high' as const } }
  const operations = [create('a'), create('b'), change, create('c'), create('d')]
  const loseAnswer = (to: string) => {
    armed = to
  }
  return { ann, operations, loseAnswer }
}

const titles = (user: Client) =>
  eventually(async () => (await user.listTasks({ query: { sort: 'createdAt' } })).body.items.map(each => each.title))
const unavailable = (user: Client, body: Body, key?: string) =>
  user.runBatch({ body, ...(key && { headers: { 'Idempotency-Key': key } }) }, 503)

test('what was executed before keeps its result, and the rest has 503', async ({ service, onTestFinished }) => {
  const { ann, operations, loseAnswer } = await connect(onTestFinished, service, 'lost-between')
  loseAnswer(update)
  const { body } = await ann.runBatch({ body: { operations } })
  expect(body.results.map(({ status }) => status)).toEqual([201, 201, 503, 503, 503])
  expect(body.results[2]?.problem?.detail).toContain('did not answer in time')
  expect(body.results[3]?.problem?.detail).toContain('was not executed')
  expect(await titles(ann)).toEqual(['first', 'a', 'b'])
})

test('if nothing was executed before, the reply is 503', async ({ service, onTestFinished }) => {
  const { ann, operations, loseAnswer } = await connect(onTestFinished, service, 'lost-first')
  loseAnswer(insert)
  await unavailable(ann, { operations })
  expect((await titles(ann)).slice(0, 1)).toEqual(['first'])
  expect(await titles(ann)).not.toContain('c')
})

test.for([
  [true, undefined, update],
  [true, 'key', update],
  [false, 'key', update],
] as const)('nothing has happened: atomic %s, key %s', async ([atomic, key, lost], { service, onTestFinished }) => {
  const { ann, operations, loseAnswer } = await connect(onTestFinished, service, `lost-${atomic}-${key}`)
  loseAnswer(lost)
  await unavailable(ann, { atomic, operations }, key)
  expect(await titles(ann)).toEqual(['first'])
})

test.for([false, true])(
  'a batch with a key whose commit was not answered takes effect once: atomic %s',
  async (atomic, { service, onTestFinished }) => {
    const { ann, operations, loseAnswer } = await connect(onTestFinished, service, `lost-at-the-end-${atomic}`)
    loseAnswer('commit')
    const input = { body: { atomic, operations }, headers: { 'Idempotency-Key': 'once' } }
    await ann.runBatch(input, 503)
    const again = await eventually(() => ann.runBatch(input))
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect(again.body.results.map(({ status }) => status)).toEqual([201, 201, 200, 201, 201])
    expect(await titles(ann)).toEqual(['first', 'a', 'b', 'c', 'd'])
  },
)

test.for([undefined, 'key'] as const)(
  'a server that is killed in the middle leaves what was executed, or nothing with a key: %s',
  async (key, { service, onTestFinished }) => {
    const settings = { DATABASE_URL: service.databaseUrl, NODE_ENV: 'production' }
    const first = run(settings, { atEnd: onTestFinished })
    const token = await tokenOf(`killed-batch-${key}`)
    const ann = client(await listening(first), token)
    const { body: task } = await ann.createTask({ body: { title: 'first' } })
    const create = (title: string) => ({ operationId: 'createTask' as const, body: { title } })
    const change = { operationId: 'updateTask' as const, path: { taskId: task.id }, body: { title: 'changed' } }
    const input = {
      body: { operations: [create('a'), create('b'), change, create('c')] },
      ...(key && { headers: { 'Idempotency-Key': key } }),
    }

    const { release } = await lockTask(service, task.id)
    const cut = ann.runBatch(input).catch(error => error)
    await eventually(async () => {
      const waiting = await lockWaits(service.sql)
      expect(waiting).toHaveLength(1)
    })
    first.child.kill('SIGKILL')
    await first.ended
    expect(await cut).toBeInstanceOf(TypeError)
    await release()

    const second = client(service.url, token)
    // PostgreSQL may have finished the statement that waited.
    const made = key === undefined ? ['a', 'b'] : []
    await eventually(async () => expect((await titles(second)).slice(1)).toEqual(made))
    if (key === undefined) return
    const again = await eventually(() => second.runBatch(input))
    expect(again.headers.get('idempotency-replayed')).toBe(null)
    expect(await titles(second)).toEqual(['changed', 'a', 'b', 'c'])
  },
)

/** Locks the row of a task until the release. */
async function lockTask({ sql }: Service, id: string) {
  const [locked, free] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const over = sql.begin(async transaction => {
    await transaction`select from tasks where id = ${id} for update`
    locked.resolve()
    await free.promise
  })
  await locked.promise
  return {
    async release() {
      free.resolve()
      await over
    },
  }
}
