import { Api } from '../swagger-typescript-api/client'
import { attempt, authorization, url } from './steps'

const api = new Api({ baseUrl: url, baseApiParams: { headers: authorization, format: 'json' } })

async function list(label?: string[]) {
  return (await api.v1.listTasks('me', label === undefined ? {} : { label })).data.items
}

await attempt({ create: async task => (await api.v1.createTask('me', task)).data, list, labelled: list })
