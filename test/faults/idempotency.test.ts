// A request with an Idempotency-Key whose server or connection is lost: repeated, it takes effect exactly once.
import { expect } from 'vitest'
import { type Client, client } from '../support/client.ts'
import { eventually } from '../support/clock.ts'
import { lockAccount, lockWaits } from '../support/lock.ts'
import { listening, run } from '../support/process.ts'
import { start, test, tokenOf } from '../support/taskspec.ts'
import { createLine } from './line.ts'

const restore = (user: Client, itemId: string) =>
  user.send('POST', `/v1/users/me/trash/${itemId}/restore`, { headers: { 'idempotency-key': 'lost' } })

async function inTrash(user: Client) {
  const { body: task } = await user.createTask({ body: { title: 'a' } })
  await user.deleteTask({ path: { taskId: task.id } })
  const { body } = await user.getUser()
  return { id: task.id, user: body.id }
}

test.for([
  ['insert into idempotency_keys as item (owner_id, operation, key_hash, request_hash, status', null],
  ['commit', 'true'],
] as const)(
  'if the answer to "%s" is lost, the reply is 503, and repeated it is there',
  async ([lost, expected], { service, onTestFinished }) => {
    const line = await createLine(onTestFinished, service.databaseUrl)
    let armed = false
    const observe = (text: string) => {
      if (!armed || !text.trimStart().startsWith(lost)) return
      armed = false
      line.loseNextAnswer()
    }
    const server = await start({ databaseUrl: line.url, observe, timeouts: { databaseFactor: 10 } })
    onTestFinished(server.stop)
    const ann = client(server.url, await tokenOf(`lost-at-${expected}`))
    const { id } = await inTrash(ann)
    const before = Number((await ann.listTasks()).etag.slice(1, -1))
    armed = true
    expect((await restore(ann, id)).status).toBe(503)
    expect(line.lost()).toBe(1)
    const again = await eventually(async () => {
      const answer = await restore(ann, id)
      expect(answer.status).toBe(200)
      return answer
    })
    expect([again.headers.get('idempotency-replayed'), again.body]).toMatchObject([expected, { id, revision: before + 1 }])
    expect((await ann.listTasks()).etag).toBe(`"${before + 1}"`)
  },
)

test('a server that is killed inside the transaction leaves no effect, and the key is free', async ({ service, onTestFinished }) => {
  const settings = { DATABASE_URL: service.databaseUrl, NODE_ENV: 'production' }
  const first = run(settings, { atEnd: onTestFinished })
  const ann = client(await listening(first), await tokenOf('killed'))
  const { id, user } = await inTrash(ann)
  const { etag } = await ann.listTasks()
  const { release } = await lockAccount(service.sql, user)
  // A statement waits for 1.5 s at most, and the request is sent again.
  const unanswered = async (): Promise<unknown> => ((await restore(ann, id)).status === 503 ? unanswered() : 'answered')
  const cut = unanswered().catch(error => error)
  await eventually(async () => {
    const waiting = await lockWaits(service.sql)
    expect(waiting).toHaveLength(1)
  })
  first.child.kill('SIGKILL')
  await first.ended
  expect(await cut).toBeInstanceOf(TypeError)

  const second = client(service.url, await tokenOf('killed'))
  await release()
  const again = await eventually(async () => {
    const answer = await restore(second, id)
    expect(answer.status).toBe(200)
    return answer
  })
  expect(again.headers.get('idempotency-replayed')).toBe(null)
  expect(again.body).toMatchObject({ id, revision: Number(etag.slice(1, -1)) + 1 })
})
