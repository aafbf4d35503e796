import { createTask, defaults, listTasks } from '../oazapfts/client'
import { attempt, authorization, url } from './steps'

defaults.baseUrl = url
defaults.headers = authorization

async function list(label?: string[]) {
  const reply = await listTasks('me', label === undefined ? {} : { label })
  if (reply.status !== 200) throw new Error(JSON.stringify(reply))
  return reply.data.items
}

await attempt({
  create: async task => {
    const reply = await createTask('me', task)
    if (reply.status !== 201) throw new Error(JSON.stringify(reply))
    return reply.data
  },
  list,
  labelled: list,
})
