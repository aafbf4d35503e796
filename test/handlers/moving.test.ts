// The commands of README.md, "Moving in and out", as they are printed there.
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import { found } from '../ops/cells.ts'
import { needs } from '../support/checks.ts'
import { client } from '../support/client.ts'
import { exportFile } from '../support/import.ts'
import { test, tokenOf } from '../support/taskspec.ts'

const run = promisify(execFile)
const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
const commands = /## Moving in and out[\s\S]*?```\n([\s\S]*?)```/.exec(readme)?.[1]?.trim().split('\n') ?? []

test('they keep an account, try a file and import', needs(found('curl'), 'curl'), async ({ service, onTestFinished }) => {
  const folder = await mkdtemp(join(tmpdir(), 'taskspec-moving-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const token = await tokenOf('moving')
  const ann = client(service.url, token)
  const { body: task } = await ann.createTask({ body: { title: 'Pack' } })
  await writeFile(join(folder, 'todos.ics'), await exportFile(ann, 'ics'))
  const env = { PATH: process.env.PATH ?? '', TOKEN: token }
  const execute = async (command = '') =>
    (await run('sh', ['-c', command.replace('localhost:3000', new URL(service.url).host)], { cwd: folder, env })).stdout

  expect(commands).toHaveLength(3)
  await execute(commands[0])
  const file = await readFile(join(folder, 'account.ndjson'), 'utf8')
  expect(file).toContain(task.id)
  await ann.deleteUser()
  expect(JSON.parse(await execute(commands[1]))).toMatchObject({ dryRun: true, created: 1, failed: 0 })
  expect((await ann.listTasks()).body.items).toEqual([])
  expect(JSON.parse(await execute(commands[2]))).toMatchObject({ dryRun: false, created: 1, updated: 1, failed: 0 })
  expect(await exportFile(ann)).toBe(file)
})
