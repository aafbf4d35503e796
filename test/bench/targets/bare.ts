// The upper bound: node:http and postgres.js without validation, logging or routing.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { jwtVerify } from 'jose'
import { settings } from './settings.ts'
import { type Caller, store, type Task } from './sql.ts'

const secret = new TextEncoder().encode(settings.secret)
const expected = { algorithms: ['HS256'], issuer: settings.issuer, audience: settings.audience }
const verified = new Map<string, Caller>()
const tasks = store(settings)
const collection = '/v1/users/me/tasks'

const server = createServer((request, response) => {
  const { authorization = '' } = request.headers
  const caller = verified.get(authorization)
  const reply =
    caller === undefined ? verify(authorization).then(caller => handle(caller, request, response)) : handle(caller, request, response)
  reply.catch(error => response.writeHead(error?.code?.startsWith('ERR_J') ? 401 : 500).end())
})

async function verify(authorization: string): Promise<Caller> {
  const { payload } = await jwtVerify(authorization.slice('Bearer '.length), secret, expected)
  const caller = { id: payload.sub as string, email: (payload.email as string) ?? null, name: (payload.name as string) ?? null }
  verified.set(authorization, caller)
  return caller
}

async function handle(caller: Caller, request: IncomingMessage, response: ServerResponse) {
  const { method, url = '' } = request
  if (!url.startsWith(collection)) return void response.writeHead(404).end()
  if (url[collection.length] === '/') {
    const id = url.slice(collection.length + 1)
    const task = method === 'GET' ? await tasks.get(caller.id, id) : await tasks.update(caller.id, id, JSON.parse(await read(request)))
    if (task === undefined) return void response.writeHead(404).end()
    return write(response, 200, task, task.revision)
  }
  if (method === 'POST') {
    const task: Task = await tasks.create(caller, JSON.parse(await read(request)))
    return write(response, 201, task, task.revision, `/v1/users/${encodeURIComponent(caller.id)}/tasks/${task.id}`)
  }
  const condition = request.headers['if-none-match']
  if (condition !== undefined) {
    const revision = await tasks.revision(caller.id)
    if (condition === `"${revision}"`) return void response.writeHead(304, ['ETag', condition]).end()
  }
  const { revision, body } = await tasks.list(caller.id, filter(url.slice(collection.length + 1)))
  write(response, 200, body, revision)
}

const limit = /^limit=(\d+)$/

function filter(query: string) {
  const only = limit.exec(query)?.[1] // the most frequent query needs no parser
  if (only !== undefined) return { limit: Number(only) }
  const parameters = new URLSearchParams(query)
  const completed = parameters.get('completed')
  const priority = parameters.getAll('priority')
  const q = parameters.get('q')
  return {
    limit: Number(parameters.get('limit') ?? 50),
    ...(completed !== null && { completed: completed === 'true' }),
    ...(priority.length > 0 && { priority }),
    ...(q !== null && { q }),
  }
}

function read(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    request.setEncoding('utf8')
    request.on('data', chunk => {
      text += chunk
    })
    request.on('end', () => resolve(text))
    request.on('error', reject)
  })
}

function write(response: ServerResponse, status: number, body: object, revision: number, location?: string) {
  const text = JSON.stringify(body)
  const headers = ['Content-Type', 'application/json', 'Content-Length', Buffer.byteLength(text), 'ETag', `"${revision}"`]
  response.writeHead(status, location === undefined ? headers : [...headers, 'Location', location]).end(text)
}

server.listen(settings.port, settings.host, () => console.log(`http://${settings.host}:${(server.address() as AddressInfo).port}`))
