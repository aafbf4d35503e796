// A real identity provider, Better Auth, set up as by an operator: users sign up there and send its tokens to the server.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { DatabaseSync } from 'node:sqlite'
import { betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import { toNodeHandler } from 'better-auth/node'
import { jwt } from 'better-auth/plugins'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { expect } from 'vitest'
import { readConfig } from '../../src/config/config.ts'
import { client } from '../support/client.ts'
import { test as base, start } from '../support/taskspec.ts'

const test = base.extend<{ $file: { provider: string } }>({
  /** The URL of the provider, which is also the issuer and the audience of its tokens. */
  provider: [
    // biome-ignore lint/correctness/noEmptyPattern: the runner reads the pattern
    async ({}, use) => {
      const server = createServer()
      await once(server.listen(0, '127.0.0.1'), 'listening')
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      const options = {
        baseURL: url,
        secret: 'a-secret-that-only-the-provider-knows',
        database: new DatabaseSync(':memory:'),
        emailAndPassword: { enabled: true },
        plugins: [jwt()],
        telemetry: { enabled: false },
      }
      await (await getMigrations(options)).runMigrations()
      server.on('request', toNodeHandler(betterAuth(options)))
      await use(url)
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
      options.database.close()
    },
    { scope: 'file' },
  ],
})

/** Signs a user up over HTTP and returns the token of that session. */
async function signUp(provider: string, name: string): Promise<{ token: string; email: string; name: string }> {
  const email = `${name.toLowerCase()}@example.com`
  const signedUp = await fetch(`${provider}/api/auth/sign-up/email`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: provider },
    body: JSON.stringify({ email, name, password: 'correct horse battery staple' }),
  })
  expect(signedUp.status).toBe(200)
  const cookie = signedUp.headers
    .getSetCookie()
    .map(each => each.split(';', 1)[0])
    .join('; ')
  const reply = await fetch(`${provider}/api/auth/token`, { headers: { cookie } })
  const { token } = (await reply.json()) as { token: string }
  return { token, email, name }
}

test('users of Better Auth have tasks of their own, and no access to the tasks of others', async ({ provider, service }) => {
  // Only the settings that an operator must make.
  const config = readConfig({
    NODE_ENV: 'production',
    DATABASE_URL: service.databaseUrl,
    AUTH_JWKS_URL: `${provider}/api/auth/jwks`,
    AUTH_ISSUER: provider,
    AUTH_AUDIENCE: provider,
  })
  const { url, stop } = await start({ databaseUrl: service.databaseUrl, auth: config.auth as NonNullable<typeof config.auth> })
  const [ann, bob] = [await signUp(provider, 'Ann'), await signUp(provider, 'Bob')]
  const [anns, bobs] = [client(url, ann.token), client(url, bob.token)]

  const id = decodeJwt(ann.token).sub as string
  expect(decodeProtectedHeader(ann.token)).toMatchObject({ alg: 'EdDSA', kid: expect.any(String) })
  expect(id).toHaveLength(32)

  expect((await anns.getUser()).body).toMatchObject({ id, email: ann.email, name: ann.name })
  const { body: task } = await anns.createTask({ body: { title: 'Water the plants' } })
  expect((await anns.listTasks()).body.items).toEqual([task])
  expect((await anns.getTask({ path: { userId: id, taskId: task.id } })).body).toEqual(task)

  await bobs.getUser({ path: { userId: id } }, 403)
  await bobs.listTasks({ path: { userId: id } }, 403)
  await bobs.getTask({ path: { userId: id, taskId: task.id } }, 403)
  await bobs.getTask({ path: { taskId: task.id } }, 404)
  expect((await bobs.listTasks()).body.items).toEqual([])
  expect((await bobs.getUser()).body).toMatchObject({ email: bob.email, name: bob.name })
  await stop()
})

test('a token of Better Auth is refused if its audience is not the configured one', async ({ provider, service }) => {
  const { token } = await signUp(provider, 'Cy')
  const auth = {
    jwksUrl: `${provider}/api/auth/jwks`,
    secret: null,
    algorithms: ['EdDSA'],
    issuers: [provider],
    audiences: ['taskspec'],
    audienceClaim: 'aud',
  }
  const { url, stop } = await start({ databaseUrl: service.databaseUrl, auth })
  const { body } = await client(url, token).getUser({}, 401)
  expect(body.detail).toContain('"aud"')
  await stop()
})
