// What a frontend team might write. It runs unchanged against the mock, the sandbox and the server; only URL and token differ.
import { createClient, type Task, unwrap } from '@taskspec/client'

/** Works through the life of a task and says what it saw. */
export async function program(baseUrl: string, token: string): Promise<string[]> {
  const api = createClient({ baseUrl, token: async () => token })
  const said: string[] = []

  const made = await api.createTask({ body: { title: 'Book the ferry to Tallinn', priority: 'high', labels: ['travel', 'tickets'] } })
  if (!made.ok) throw new Error(made.problem.detail)
  said.push(`created ${made.status}: ${made.data.title}, ${made.data.priority}, ${made.data.labels}`)
  await api.createTask({ body: { title: 'Water the plants' } })

  const path = { taskId: made.data.id }
  const read = await api.getTask({ path })
  if (!read.ok) throw new Error(read.problem.detail)
  said.push(`read ${read.status}: ${read.data.title}, tagged ${/^"\d+"$/.test(read.etag)}`)

  const two: Task[] = []
  for await (const task of api.each('listTasks', { query: { limit: 1, sort: '-createdAt' } })) if (two.push(task) === 2) break
  said.push(`listed ${two.map(({ title, completed }) => typeof title + typeof completed)}`)

  const changed = await api.updateTask({ path, body: { completed: true }, ifMatch: read.data })
  if (!changed.ok) throw new Error(changed.problem.detail)
  said.push(`updated ${changed.status}: ${changed.data.title}`)

  const refused = await api.createTask({ body: { title: '' } })
  if (refused.ok || refused.status !== 422) throw new Error('An empty title must be refused.')
  const [place] = refused.problem.errors
  said.push(`refused ${refused.status}: ${refused.problem.type}, ${place?.location} ${place?.pointer} ${place?.code}`)

  said.push(`deleted ${unwrap(await api.deleteTask({ path, ifMatch: changed.data }))}`)
  return said
}
