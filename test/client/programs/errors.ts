// A line with an error code at its end must fail with that code. The other lines must compile.
import { createClient, type Task, unwrap } from '@taskspec/client'

const api = createClient({ baseUrl: 'http://localhost:4010', token: 'a' })
const path = { taskId: '019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12' }

// Input
await api.createTask({ body: { titel: 'Pack' } }) // TS2561
await api.createTask({ body: {} }) // TS2741
await api.createTask({ body: { title: 'Pack', priority: 'urgent' } }) // TS2322
await api.createTask({ body: { title: 'Pack' }, ifUnmodifiedSince: '*' }) // TS2353
await api.createTask() // TS2554
await api.getTask({ path: {} }) // TS2322
await api.getTask({ path, query: {} }) // TS2353
await api.listTasks({ query: { completed: 'false' } }) // TS2322
await api.updateTask({ path, body: { title: null } }) // TS2322
await api.updateTask({ path, body: { title: 'Pack' }, ifMatch: 7 }) // TS2322
await api.putTask({ path, body: { title: 'Pack' }, ifNoneMatch: 7 }) // TS2322
await api.putTask({ path, body: { title: 'Pack' }, ifNoneMatch: '*' })
await api.removeTask({ path }) // TS2551
createClient({ token: 'a' }) // TS2345

// Batches
const create = { operationId: 'createTask', body: { title: 'Pack' } } as const
await api.runBatch({ body: { atomic: true, operations: [create, { operationId: 'deleteTask', path, ifMatch: { revision: 7 } }] } })
await api.runBatch({ body: { operations: [{ operationId: 'deleteTask' }] } }) // TS2322
await api.runBatch({ body: { operations: [{ operationId: 'createTask', body: { titel: 'Pack' } }] } }) // TS2561
await api.runBatch({ body: { operations: [{ operationId: 'getTask', path }] } }) // TS2322

// Result
const reply = await api.getTask({ path })
console.log(reply.data) // TS2339
console.log(reply.ok && reply.problem) // TS2339
console.log(reply.ok && reply.data.titel) // TS2551
console.log(reply.status === 409) // TS2367
if (reply.status === 404) console.log(reply.problem.detail)
console.log(!reply.ok && reply.problem.type === '/problems/gone') // TS2367
const gone = await api.deleteTask({ path })
const tag: string = gone.ok ? gone.etag : '"7"' // TS2322
const fresh = await api.getTask({ path, ifNoneMatch: tag })
if (fresh.ok) console.log(fresh.data.title) // TS18048
if (fresh.ok && fresh.status === 200) console.log(fresh.data.title)

// Lists
for await (const category of api.each('listCategories')) console.log(category.title) // TS2339
api.each('getTask') // TS2345
export const task: Task = unwrap(await api.listTasks()) // TS2740
