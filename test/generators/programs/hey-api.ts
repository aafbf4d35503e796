import { createTask, listTasks } from '../hey-api'
import { client } from '../hey-api/client.gen'
import { attempt, token, url } from './steps'

client.setConfig({ baseUrl: url, auth: token })
const path = { userId: 'me' }

async function list(label?: string[]) {
  const { data } = await listTasks({ path, query: label === undefined ? {} : { label }, throwOnError: true })
  for (const { createdAt } of data.items) createdAt.getTime() // a Date
  return data.items
}

await attempt({
  create: async ({ dueDate, ...task }) => {
    // Its type is Date here too, but its validator and the server take a text.
    const body = dueDate === undefined ? task : { ...task, dueDate: dueDate as unknown as Date }
    return (await createTask({ path, body, throwOnError: true })).data
  },
  list,
  labelled: list,
})
