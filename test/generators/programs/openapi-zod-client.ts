import { createApiClient } from '../openapi-zod-client/client'
import { attempt, authorization, url } from './steps'

const api = createApiClient(url, { axiosConfig: { paramsSerializer: { indexes: null } } })
const request = { params: { userId: 'me' }, headers: authorization }

async function list(label?: string[]) {
  return (await api.listTasks(label === undefined ? request : { ...request, queries: { label } })).items
}

await attempt({ create: task => api.createTask(task, request), list, labelled: list })
