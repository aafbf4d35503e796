import { createTask, listTasks } from '../orval/client'
import { CreateTaskBody, CreateTaskResponse, ListTasksResponse } from '../orval/zod'
import { attempt, authorization } from './steps'

async function list(label?: string[]) {
  const reply = await listTasks('me', label === undefined ? {} : { label }, { headers: authorization })
  if (reply.status !== 200) throw new Error(JSON.stringify(reply.data))
  return ListTasksResponse.parse(reply.data).items
}

await attempt({
  create: async task => {
    CreateTaskBody.parse(task)
    const reply = await createTask('me', task, { headers: authorization })
    if (reply.status !== 201) throw new Error(JSON.stringify(reply.data))
    return CreateTaskResponse.parse(reply.data)
  },
  list,
  labelled: list,
})
