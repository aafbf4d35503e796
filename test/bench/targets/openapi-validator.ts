// Express with express-openapi-validator on our own document, as its documentation shows it, with pino-http.
// It reads our OpenAPI 3.1 document; only our own format needs a definition.
import { fileURLToPath } from 'node:url'
import express, { type NextFunction, type Request, type Response } from 'express'
import { middleware } from 'express-openapi-validator'
import { jwtVerify } from 'jose'
import { pinoHttp } from 'pino-http'
import { settings } from './settings.ts'
import { type Caller, type Filter, store } from './sql.ts'

type Authenticated = Request & { caller?: Caller }

const secret = new TextEncoder().encode(settings.secret)
const expected = { algorithms: ['HS256'], issuer: settings.issuer, audience: settings.audience, requiredClaims: ['sub', 'exp'] }
const tasks = store(settings)
const app = express().disable('x-powered-by')
const logged = pinoHttp()

app.use(logged)
app.use(express.json())
app.use(
  middleware({
    apiSpec: fileURLToPath(new URL('../../../openapi.yaml', import.meta.url)),
    validateRequests: true,
    validateResponses: false, // as ours in production
    validateSecurity: { handlers: { bearerAuth: request => authenticate(request) } },
    formats: { 'time-zone': { type: 'string', validate: (name: string) => zones.has(name) } },
  }),
)

const zones = new Set([...Intl.supportedValuesOf('timeZone'), 'UTC'])

async function authenticate(request: Authenticated): Promise<boolean> {
  const [, token = ''] = (request.headers.authorization ?? '').split(' ')
  const { payload } = await jwtVerify(token, secret, expected)
  request.caller = { id: payload.sub as string, email: (payload.email as string) ?? null, name: (payload.name as string) ?? null }
  return true
}

const path = '/v1/users/:userId/tasks'

app.use('/v1/users/:userId', (request: Authenticated, response: Response, next: NextFunction) => {
  const { userId } = request.params
  if (userId !== 'me' && userId !== request.caller?.id) response.status(403).json({ message: 'Forbidden' })
  else next()
})

app.get(path, async (request: Authenticated, response) => {
  const { id } = request.caller as Caller
  const condition = request.headers['if-none-match']
  if (condition !== undefined) {
    const revision = await tasks.revision(id)
    if (condition === `"${revision}"`) return void response.status(304).set('ETag', condition).end()
  }
  const { revision, body } = await tasks.list(id, request.query as unknown as Filter)
  response.set('ETag', `"${revision}"`).json(body)
})

app.get(`${path}/:taskId`, async (request: Authenticated, response) => {
  const task = await tasks.get((request.caller as Caller).id, request.params.taskId as string)
  if (task === undefined) return void response.status(404).json({ message: 'Not found' })
  response.set('ETag', `"${task.revision}"`).json(task)
})

app.post(path, async (request: Authenticated, response) => {
  const me = request.caller as Caller
  const task = await tasks.create(me, request.body)
  response
    .status(201)
    .location(`/v1/users/${encodeURIComponent(me.id)}/tasks/${task.id}`)
    .set('ETag', `"${task.revision}"`)
    .json(task)
})

app.patch(`${path}/:taskId`, async (request: Authenticated, response) => {
  const task = await tasks.update((request.caller as Caller).id, request.params.taskId as string, request.body)
  if (task === undefined) return void response.status(404).json({ message: 'Not found' })
  response.set('ETag', `"${task.revision}"`).json(task)
})

app.use((error: { status?: number; message: string; errors?: object[] }, _: Request, response: Response, next: NextFunction) => {
  if (response.headersSent) return next(error)
  response.status(error.status ?? 500).json({ message: error.message, errors: error.errors })
})

const server = app.listen(settings.port, settings.host, () => {
  const address = server.address()
  if (typeof address === 'object') logged.logger.info(`listening at http://${settings.host}:${address?.port}`)
})
