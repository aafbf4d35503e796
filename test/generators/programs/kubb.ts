import { createTask, listTasks } from '../kubb'
import { attempt, authorization, url } from './steps'

const config = { baseURL: url, headers: authorization }

async function list(label?: string[]) {
  return (await listTasks('me', label === undefined ? undefined : { label }, undefined, config)).items
}

await attempt({
  // Its fetch client sets no media type.
  create: task => createTask('me', task, undefined, { ...config, headers: { ...authorization, 'Content-Type': 'application/json' } }),
  list,
  labelled: list,
})
