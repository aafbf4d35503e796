import { afterAll, beforeAll, describe, expect } from 'vitest'
import { issue } from '../../src/auth/issue.ts'
import { createSandbox } from '../../src/dev/sandbox.ts'
import { follow } from '../support/changes.ts'
import { client } from '../support/client.ts'
import { exportFile, importFile } from '../support/import.ts'
import { document, inDevelopment } from '../support/spec.ts'
import { test } from '../support/taskspec.ts'

let sandbox: Awaited<ReturnType<typeof createSandbox>>
beforeAll(async () => {
  sandbox = await createSandbox({ port: 0 })
})
afterAll(() => sandbox.stop())

const as = async (id: string) =>
  client(sandbox.url, await issue(sandbox.auth, { id, claims: { email: `${id}@example.com`, name: id } }, 3600), inDevelopment)
const reset = () => fetch(`${sandbox.url}/sandbox/reset`, { method: 'POST' })

describe('the sandbox', () => {
  test('has alice with every priority, with overdue, current, later and completed tasks, and with several scripts', async () => {
    const alice = await as('alice')
    const today = new Date().toISOString().slice(0, 10)
    const { items } = (await alice.listTasks({ query: { limit: 100 } })).body
    for (const priority of ['none', 'low', 'medium', 'high']) expect(items.some(task => task.priority === priority)).toBe(true)
    const open = items.filter(({ completed }) => !completed)
    expect(open.some(({ dueDate }) => dueDate !== null && dueDate < today)).toBe(true)
    expect(open.some(({ dueDate }) => dueDate === today)).toBe(true)
    expect(open.some(({ dueDate }) => dueDate !== null && dueDate > today)).toBe(true)
    expect(open.some(({ dueDate }) => dueDate === null)).toBe(true)
    expect(items.length - open.length).toBeGreaterThan(3)
    const recurring = items.find(({ recurrence }) => recurrence !== null)
    expect(
      (await alice.getTaskTree({ path: { taskId: recurring?.id as string } })).body.items.map(({ completed }) => completed).toSorted(),
    ).toEqual([false, false, true])
    expect(items.some(({ description }) => (description ?? '').length > 200)).toBe(true)
    const titles = items.map(({ title }) => title).join()
    for (const script of [/\p{Script=Arabic}/u, /\p{Script=Hebrew}/u, /\p{Script=Han}/u, /\p{Emoji_Presentation}/u])
      expect(titles).toMatch(script)
    expect((await alice.listCategories()).body.items.map(({ name }) => name)).toContain('Travel')
    const trash = (await alice.listTrash()).body.items.map(({ kind, title, count }) => ({ kind, title, count }))
    const { value } = document.components.examples.TrashOfTwo as { value: { items: typeof trash } }
    expect(trash).toMatchObject([...value.items.map(({ kind, title, count }) => ({ kind, title, count })), { title: 'Buy a wreath' }])
    expect((await alice.getUser()).body).toMatchObject({ name: 'Alice', timeZone: 'Europe/Helsinki' })
  })

  test('has alice with an account that is the same, byte for byte, after it was exported, erased and imported', async () => {
    const alice = await as('alice')
    const file = await exportFile(alice)
    await alice.deleteUser()
    expect(await importFile(alice, file)).toMatchObject({ failed: 0, errors: [], isComplete: true })
    expect(await exportFile(alice)).toBe(file)
    await reset()
  })

  test('has bob with three tasks and carol with none', async () => {
    expect((await (await as('bob')).listTasks()).body.items).toHaveLength(3)
    expect((await (await as('carol')).listTasks()).body.items).toEqual([])
  })

  test('has the ids of the examples in the spec', async () => {
    const alice = await as('alice')
    const { value } = document.components.examples.OpenTask as { value: { id: string; title: string; categoryId: string } }
    expect((await alice.getTask({ path: { taskId: value.id } })).body).toMatchObject({ title: value.title, categoryId: value.categoryId })
    await alice.getCategory({ path: { categoryId: value.categoryId } })
    const example = document.components.examples.NewCalendar as { value: { id: string; url: string } }
    const { body: calendar } = await alice.getCalendar({ path: { calendarId: example.value.id } })
    expect({ ...calendar, categoryIds: [value.categoryId] }).toEqual(calendar)
    const { value: hook } = document.components.examples.NewWebhook as { value: { id: string } }
    expect((await alice.getWebhook({ path: { webhookId: hook.id } })).body).toMatchObject({
      url: 'https://example.com/hook',
      enabled: false,
    })
    const feed = await client(sandbox.url, undefined, inDevelopment).send('GET', new URL(example.value.url).pathname)
    expect(feed.body).toContain(`SUMMARY:${value.title}`)
  })

  test('keeps changes until a reset, which restores the demo data', async () => {
    const [alice, carol] = [await as('alice'), await as('carol')]
    const before = (await alice.listTasks({ query: { limit: 100 } })).body.items.map(({ title }) => title)
    const { etag } = await alice.listTasks()
    const { last, items } = await follow(alice)
    expect(items.filter(({ deletedAt }) => deletedAt !== null)).toEqual([]) // what is in the trash is not in a snapshot
    await carol.createTask({ body: { title: 'new' } })
    await alice.deleteUser()
    expect((await reset()).status).toBe(204)
    expect((await carol.listTasks()).body.items).toEqual([])
    await alice.listTasks({ headers: { 'If-None-Match': etag } }, 200)
    await alice.listChanges({ query: { cursor: last.nextCursor } }, 410)
    expect((await alice.listTasks({ query: { limit: 100 } })).body.items.map(({ title }) => title)).toEqual(before)
  })

  test('can be reset during writes without an error', async () => {
    const alice = await as('alice')
    const work = Array.from({ length: 30 }, async (_, i) => {
      if (i % 10 === 0) expect(await reset().then(reply => reply.text())).toBe('')
      else await alice.createTask({ body: { title: `${i}` } })
    })
    await Promise.all(work)
    await reset()
  })
})

test('only the sandbox can be reset', async ({ anonymous }) => {
  for (const path of ['/sandbox/reset', '/sandbox/clock', '/sandbox/tokens/alice'])
    for (const method of ['GET', 'POST']) expect((await anonymous.send(method, path)).status).toBe(404)
  expect(Object.keys(document.paths).filter(path => path.includes('sandbox'))).toEqual([])
})

test('only the sandbox has faults on request', async ({ as }) => {
  const ann = await as('ann')
  const reply = await ann.send('GET', '/v1/users/me/tasks', { headers: { prefer: 'code=503, lose=reply' } })
  expect(reply.status).toBe(200)
})
