// `npm run token`, as an operator runs it.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import { client } from '../support/client.ts'
import { nodeEnvironment } from '../support/environment.ts'
import { auth, test } from '../support/taskspec.ts'

const program = fileURLToPath(new URL('../../src/cli/token.ts', import.meta.url))

function token(...names: string[]) {
  const env = {
    ...nodeEnvironment,
    AUTH_SECRET: auth.secret as string,
    AUTH_ISSUER: auth.issuers.join(),
    AUTH_AUDIENCE: auth.audiences.join(),
  }
  return promisify(execFile)(process.execPath, [program, ...names], { env })
}

test('prints a token that the server accepts, with an email and a name', async ({ service }) => {
  const { stdout } = await token('token-dave')
  const { body } = await client(service.url, stdout.trim()).getUser()
  expect(body).toMatchObject({ id: 'token-dave', email: 'token-dave@example.com', name: 'Token-dave' })
})

test('without a name fails and shows how to give one', async () => {
  await expect(token()).rejects.toMatchObject({ code: 1, stdout: '', stderr: 'Name a user. For example: npm run token -- alice\n' })
})
