// A second, independent judge: Prism stands between the client and the server, and answers 500 for whatever breaks the spec.
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'vitest'
import { type Client, client } from '../support/client.ts'
import { prism, prismsOwn } from '../support/prism.ts'
import { operations } from '../support/spec.ts'
import { test, tokenOf } from '../support/taskspec.ts'

/** A day in the life of a person, through every operation. */
async function journey(person: Client, stranger: string) {
  expect((await person.getUser()).body.revision).toBeGreaterThan(1)
  await person.updateUser({ body: { name: 'Ann', timeZone: 'Europe/Helsinki' } })
  const { body: home } = await person.createCategory({ body: { name: 'Home', color: '#1971c2' } })
  await person.createCategory({ body: { name: 'HOME' } }, 409)
  const categoryId = randomUUID()
  await person.putCategory({ path: { categoryId }, body: { name: 'Work' } }, 201)
  await person.putCategory({ path: { categoryId }, body: { name: 'Office', position: 3 } }, 200)
  await person.updateCategory({ path: { categoryId }, body: { position: 1 } })
  await person.getCategory({ path: { categoryId } })
  expect((await person.listCategories({ query: { limit: 1 } })).body.nextCursor).not.toBe(null)

  const { body: task, etag } = await person.createTask({
    body: { title: 'Pack', categoryId: home.id, labels: ['x'], dueDate: '2027-03-01' },
  })
  await person.createTask({ body: { title: '' } }, 422)
  await person.putTask({ path: { taskId: randomUUID() }, body: { title: 'Rest' } }, 201)
  await person.putTask({ path: { taskId: task.id }, body: { title: 'Pack', dueDate: '2027-03-01', dueTime: '10:00' } }, 200)
  await person.updateTask({ path: { taskId: task.id }, body: { completed: true }, headers: { 'If-Match': etag } }, 412)
  const { etag: newest } = await person.updateTask({ path: { taskId: task.id }, body: { completed: true } })
  await person.getTask({ path: { taskId: task.id }, headers: { 'If-None-Match': newest } }, 304)
  for (const sort of ['createdAt', '-dueDate', 'title', '-priority'] as const) {
    const { body } = await person.listTasks({ query: { sort, limit: 1 } })
    await person.listTasks({ query: { sort, cursor: body.nextCursor as string } })
  }
  await person.listTasks({ query: { completed: true, priority: ['none'], dueFrom: '2027-01-01', q: 'pack' } })
  await person.listTasks({ path: { userId: stranger } }, 403)
  await person.deleteCategory({ path: { categoryId: home.id } })
  await person.deleteTask({ path: { taskId: task.id } })
  await person.getTask({ path: { taskId: task.id } }, 404)

  await person.getLiveness()
  await person.getReadiness()
  await person.getOpenapiJson()
  await person.getOpenapiYaml()
  await person.getDocs()
  await person.getDocsAsset({ path: { asset: 'docs.css' } })
  await person.deleteUser()
}

test('Prism finds nothing to object to in what the server says', async ({ service }) => {
  const judge = await prism('proxy', service.url)
  const asked = new Set<string>()
  const person = new Proxy(client(judge.url, await tokenOf('journey'), prismsOwn), {
    get(target, name) {
      asked.add(String(name))
      return target[name as keyof Client]
    },
  })
  try {
    await journey(person, 'bob')
    expect(operations.map(({ operationId }) => operationId).filter(id => !asked.has(id))).toEqual([])
  } finally {
    await judge.stop()
  }
})

test('Prism answers 500 for a reply that breaks the spec', async ({ onTestFinished }) => {
  const liar = createServer((_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"status":1}'))
  liar.listen(0, '127.0.0.1')
  await once(liar, 'listening')
  onTestFinished(() => void liar.close())
  const judge = await prism('proxy', `http://127.0.0.1:${(liar.address() as AddressInfo).port}`)
  onTestFinished(judge.stop)
  const response = await fetch(`${judge.url}/livez`)
  expect(response.status).toBe(500)
  expect(await response.text()).toContain('must be')
})
