// Fastify as its documentation shows it: JSON schemas for requests and replies, the JWT plugin and the built-in logger.
import jwt from '@fastify/jwt'
import fastify from 'fastify'
import * as schemas from './schemas.ts'
import { settings } from './settings.ts'
import { type Caller, type Draft, type Filter, store } from './sql.ts'

type Claims = { sub: string; email?: string; name?: string }
type Space = { Params: { userId: string } }
type One = { Params: { userId: string; taskId: string } }

const tasks = store(settings)
const app = fastify({ logger: true })
await app.register(jwt, {
  secret: settings.secret,
  verify: {
    algorithms: ['HS256'],
    allowedIss: settings.issuer,
    allowedAud: settings.audience,
    requiredClaims: ['sub', 'exp'],
    ...(process.env.CACHE_TOKENS !== undefined && { cache: 10_000 }),
  },
})
app.addHook<Space>('onRequest', async (request, reply) => {
  const { sub } = await request.jwtVerify<Claims>()
  const { userId } = request.params
  if (userId !== 'me' && userId !== sub) return reply.code(403).send({ message: 'Forbidden' })
})

const path = '/v1/users/:userId/tasks'
const caller = ({ user }: { user: unknown }): Caller => {
  const { sub, email = null, name = null } = user as Claims
  return { id: sub, email, name }
}

app.get<Space & { Querystring: Filter }>(path, { schema: schemas.list }, async (request, reply) => {
  const { id } = caller(request)
  const condition = request.headers['if-none-match']
  if (condition !== undefined) {
    const revision = await tasks.revision(id)
    if (condition === `"${revision}"`) return reply.code(304).header('ETag', condition).send()
  }
  const { revision, body } = await tasks.list(id, request.query)
  reply.header('ETag', `"${revision}"`)
  return body
})

app.get<One>(`${path}/:taskId`, { schema: schemas.get }, async (request, reply) => {
  const task = await tasks.get(caller(request).id, request.params.taskId)
  if (task === undefined) return reply.code(404).send({ message: 'Not found' })
  reply.header('ETag', `"${task.revision}"`)
  return task
})

app.post<Space & { Body: Draft }>(path, { schema: schemas.create }, async (request, reply) => {
  const me = caller(request)
  const task = await tasks.create(me, request.body)
  reply
    .code(201)
    .header('ETag', `"${task.revision}"`)
    .header('Location', `/v1/users/${encodeURIComponent(me.id)}/tasks/${task.id}`)
  return task
})

app.patch<One & { Body: Partial<Draft> }>(`${path}/:taskId`, { schema: schemas.update }, async (request, reply) => {
  const task = await tasks.update(caller(request).id, request.params.taskId, request.body)
  if (task === undefined) return reply.code(404).send({ message: 'Not found' })
  reply.header('ETag', `"${task.revision}"`)
  return task
})

await app.listen({ host: settings.host, port: settings.port })
