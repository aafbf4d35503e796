// A program of a frontend team. It runs unchanged against mock, sandbox and server; only URL and token differ.
import { createClient, type Task, unwrap } from '@taskspec/client'

/** Creates, reads, lists, updates and deletes a task, and returns a line for each step. */
export async function program(baseUrl: string, token: string): Promise<string[]> {
  const api = createClient({ baseUrl, token: async () => token })
  const lines: string[] = []

  const created = await api.createTask({ body: { title: 'Book the ferry to Tallinn', priority: 'high', labels: ['travel', 'tickets'] } })
  if (!created.ok) throw new Error(created.problem.detail)
  lines.push(`created ${created.status}: ${created.data.title}, ${created.data.priority}, ${created.data.labels}`)
  await api.createTask({ body: { title: 'Water the plants' } })

  const path = { taskId: created.data.id }
  const read = await api.getTask({ path })
  if (!read.ok) throw new Error(read.problem.detail)
  lines.push(`read ${read.status}: ${read.data.title}, tagged ${/^"\d+"$/.test(read.etag)}`)

  const two: Task[] = []
  for await (const task of api.each('listTasks', { query: { limit: 1, sort: '-createdAt' } })) if (two.push(task) === 2) break
  lines.push(`listed ${two.map(({ title, completed }) => typeof title + typeof completed)}`)

  const changed = await api.updateTask({ path, body: { completed: true }, ifMatch: read.data })
  if (!changed.ok) throw new Error(changed.problem.detail)
  lines.push(`updated ${changed.status}: ${changed.data.title}`)

  const refused = await api.createTask({ body: { title: '' } })
  if (refused.ok || refused.status !== 422) throw new Error('An empty title must be refused.')
  const [place] = refused.problem.errors
  lines.push(`refused ${refused.status}: ${refused.problem.type}, ${place?.location} ${place?.pointer} ${place?.code}`)

  lines.push(`deleted ${unwrap(await api.deleteTask({ path, ifMatch: changed.data }))}`)
  return lines
}
