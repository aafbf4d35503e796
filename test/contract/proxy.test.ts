// A second, independent check of replies: Prism is a proxy between client and server, and returns 500 for each reply that breaks the spec.
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'vitest'
import { type Client, client } from '../support/client.ts'
import { eventually } from '../support/clock.ts'
import { prism, prismHeaders } from '../support/prism.ts'
import { operations } from '../support/spec.ts'
import { test, tokenOf } from '../support/taskspec.ts'

/** Calls every operation as one user. `leaving` makes a client of the same user whose token ends soon. */
async function callEveryOperation(user: Client, otherUser: string, leaving: () => Promise<Client>) {
  expect((await user.getUser()).body.revision).toBeGreaterThan(1)
  await user.updateUser({ body: { name: 'Ann', timeZone: 'Europe/Helsinki' } })
  const { body: home } = await user.createCategory({ body: { name: 'Home', color: '#1971c2' } })
  await user.createCategory({ body: { name: 'HOME' } }, 409)
  const categoryId = randomUUID()
  await user.putCategory({ path: { categoryId }, body: { name: 'Work' } }, 201)
  await user.putCategory({ path: { categoryId }, body: { name: 'Office', position: 3 } }, 200)
  await user.updateCategory({ path: { categoryId }, body: { position: 1 } })
  await user.getCategory({ path: { categoryId } })
  expect((await user.listCategories({ query: { limit: 1 } })).body.nextCursor).not.toBe(null)

  const { body: task, etag } = await user.createTask({
    body: { title: 'Pack', categoryId: home.id, labels: ['x'], dueDate: '2027-03-01' },
  })
  await user.createTask({ body: { title: '' } }, 422)
  const { etag: listed } = await user.listLabels()
  await user.listLabels({ headers: { 'If-None-Match': listed } }, 304)
  await user.renameLabel({ path: { label: 'X' }, body: { name: 'a/b' } })
  await user.renameLabel({ path: { label: 'x' }, body: { name: 'y' } }, 404)
  await user.deleteLabel({ path: { label: 'a/b' } })
  await user.putTask({ path: { taskId: randomUUID() }, body: { title: 'Rest' } }, 201)
  await user.putTask({ path: { taskId: task.id }, body: { title: 'Pack', dueDate: '2027-03-01', dueTime: '10:00' } }, 200)
  await user.updateTask({ path: { taskId: task.id }, body: { completed: true }, headers: { 'If-Match': etag } }, 412)
  const { etag: newest } = await user.updateTask({ path: { taskId: task.id }, body: { completed: true } })
  await user.getTask({ path: { taskId: task.id }, headers: { 'If-None-Match': newest } }, 304)
  for (const sort of ['createdAt', '-dueDate', 'title', '-priority'] as const) {
    const { body } = await user.listTasks({ query: { sort, limit: 1 } })
    await user.listTasks({ query: { sort, cursor: body.nextCursor as string } })
  }
  await user.listTasks({ query: { completed: true, priority: ['none'], dueFrom: '2027-01-01', q: 'pack' } })
  await user.listTasks({ path: { userId: otherUser } }, 403)
  expect((await user.getSummary()).body.open).toBe(1)
  await user.createTask({ body: { title: 'Socks', parentId: task.id } }, 201)
  await user.getTaskTree({ path: { taskId: task.id } })
  await user.moveTask({ path: { taskId: task.id }, body: { before: task.id } }, 422)
  await user.moveTask({ path: { taskId: task.id }, body: { parentId: task.id } }, 409)
  await user.moveTask({ path: { taskId: task.id }, body: {} })
  await user.listReminders({ query: { from: '2027-01-01T00:00:00Z' } })
  await user.updateTask({ path: { taskId: task.id }, body: { parentId: task.id } }, 409)
  await user.skipTask({ path: { taskId: task.id } }, 409)
  const { body: weekly } = await user.createTask({ body: { title: 'Rest', recurrence: { rule: 'FREQ=WEEKLY' }, dueDate: '2027-03-01' } })
  await user.skipTask({ path: { taskId: weekly.id } })
  const { body: done } = await user.updateTask({ path: { taskId: weekly.id }, body: { completed: true } })
  await user.deleteTask({ path: { taskId: done.nextOccurrenceId as string } })
  await user.deleteCategory({ path: { categoryId: home.id } })
  await user.deleteTask({ path: { taskId: task.id } })
  await user.getTask({ path: { taskId: task.id } }, 404)
  const create = { operationId: 'createTask' as const, body: { title: 'Batched' } }
  await user.runBatch({
    body: { operations: [create, { operationId: 'createCategory', body: { name: 'Batched' } }, { operationId: 'deleteTask' }] },
  })
  await user.runBatch({ body: { atomic: true, operations: [create, create] } })
  await user.runBatch({ body: { atomic: true, operations: [create, { operationId: 'deleteTask', path: { taskId: randomUUID() } }] } }, 404)
  await user.listTrash()
  const { body: changes } = await user.listChanges({ query: { limit: 1 } })
  await user.listChanges({ query: { cursor: changes.nextCursor } })
  await user.restoreFromTrash({ path: { itemId: task.id } })
  await user.restoreFromTrash({ path: { itemId: home.id } })
  await user.deleteTask({ path: { taskId: task.id } })
  await user.purgeFromTrash({ path: { itemId: task.id } })
  await user.emptyTrash()
  for (const format of ['ndjson', 'csv', 'ics'] as const) await user.exportAccount({ query: { format } })
  const { body: calendar } = await user.createCalendar({ body: { name: 'Plans', labels: ['x'] } })
  const calendarPath = { path: { calendarId: calendar.id } }
  const feed = { path: { feedToken: calendar.url?.slice('/v1/calendars/'.length, -'.ics'.length) as string } }
  await user.listCalendars()
  await user.getCalendar(calendarPath)
  const { etag: read } = await user.getCalendarFeed(feed)
  await user.getCalendarFeed({ ...feed, headers: { 'If-None-Match': read } }, 304)
  await user.updateCalendar({ ...calendarPath, body: { kind: 'event' } })
  await user.deleteCalendar(calendarPath)
  await user.getCalendarFeed(feed, 404)
  const { body: webhook } = await user.createWebhook({ body: { url: 'https://example.com/hook', kinds: ['task'] } })
  const webhookPath = { path: { webhookId: webhook.id } }
  await user.createWebhook({ body: { url: 'http://example.com/hook' } }, 422)
  await user.listWebhooks()
  await user.getWebhook(webhookPath)
  await user.updateWebhook({ ...webhookPath, body: { kinds: ['task', 'reminder'] } })
  await user.rotateWebhookSecret(webhookPath)
  await user.testWebhook(webhookPath)
  await user.testWebhook(webhookPath, 409)
  await user.replayWebhook({ ...webhookPath, body: { revision: webhook.revision } })
  await user.replayWebhook({ ...webhookPath, body: { revision: webhook.revision + 1_000 } }, 409)
  await user.listWebhookDeliveries(webhookPath)
  await user.deleteWebhook(webhookPath)
  const { body: file } = await user.exportAccount()
  await user.importAccount({ body: file, type: 'application/x-ndjson' })
  await user.importAccount({ body: 'title\n\n,\nRest', type: 'text/csv', query: { dryRun: true } })

  // Prism passes a body on when it has ended, and this one ends with the token. A busy machine may be too late for a token.
  await eventually(async () => (await leaving()).streamEvents())
  await user.getLiveness()
  await user.getReadiness()
  await user.getOpenapiJson()
  await user.getOpenapiYaml()
  await user.getDocs()
  await user.getDocsAsset({ path: { asset: 'docs.css' } })
  await user.deleteUser()
}

test('Prism accepts every reply of the server', async ({ service }) => {
  const proxy = await prism('proxy', service.url)
  const called = new Set<string>()
  const noted = async (token: Promise<string>) =>
    new Proxy(client(proxy.url, await token, prismHeaders), {
      get(target, name) {
        called.add(String(name))
        return target[name as keyof Client]
      },
    })
  try {
    await callEveryOperation(await noted(tokenOf('journey')), 'bob', () => noted(tokenOf('journey', {}, -2)))
    expect(operations.map(({ operationId }) => operationId).filter(id => !called.has(id))).toEqual([])
  } finally {
    await proxy.stop()
  }
})

test('Prism returns 500 for a reply that breaks the spec', async ({ onTestFinished }) => {
  const invalidServer = createServer((_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"status":1}'))
  invalidServer.listen(0, '127.0.0.1')
  await once(invalidServer, 'listening')
  onTestFinished(() => void invalidServer.close())
  const proxy = await prism('proxy', `http://127.0.0.1:${(invalidServer.address() as AddressInfo).port}`)
  onTestFinished(proxy.stop)
  const response = await fetch(`${proxy.url}/livez`)
  expect(response.status).toBe(500)
  expect(await response.text()).toContain('must be')
})
