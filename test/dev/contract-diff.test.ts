// `npm run contract:diff` in a repository of its own, with a release.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { text as current } from '../../src/contract/document.ts'

const command = fileURLToPath(new URL('../../src/dev/contract-diff.ts', import.meta.url))
const text = current.replace(/^ {2}version: \S+$/m, '  version: 0.1.0')
let directory: string
const git = (...words: string[]) =>
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', ...words], { cwd: directory, stdio: 'ignore' })
const write = (spec: string) => writeFileSync(join(directory, 'openapi.yaml'), spec)

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'taskspec-diff-'))
  git('init', '--initial-branch', 'main')
  write(text)
  git('add', '.')
  git('commit', '--message', 'first')
  git('tag', 'v0.1.0')
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

function changed(...changes: [from: string | RegExp, to: string][]) {
  let spec = text
  for (const [from, to] of changes) {
    expect(spec).toMatch(from)
    spec = spec.replace(from, to)
  }
  write(spec)
  const { status, stdout, stderr } = spawnSync(process.execPath, [command], { cwd: directory, encoding: 'utf8' })
  return { status, said: stdout + stderr }
}

const withoutMedium: [string, string] = ['enum: [none, low, medium, high]', 'enum: [none, low, high]']

describe('contract:diff', () => {
  test('says that nothing has changed', () => {
    expect(changed()).toMatchObject({ status: 0, said: expect.stringContaining('The contract is the same.') })
  })

  test('lists what is new and lets it pass', () => {
    const { status, said } = changed([/(\s+)Title:\n/, '$1Extra: { type: string }$1Title:\n'])
    expect(said).toContain('schemas/Extra')
    expect(status).toBe(0)
  })

  test.for([
    ['an enum value removed', withoutMedium, "lost values: 'medium'"],
    ['a field renamed', [/(Task:[\s\S]*?)dueTime: (\{ \$ref)/, '$1timeDue: $2'], 'timeDue'],
    ['a length made shorter', ['maxLength: 500', 'maxLength: 400'], "`maxLength` of `title` changed from '500' to '400'"],
    ['an operation removed', ['operationId: listTasks', 'operationId: findTasks'], 'Tasks'],
    ['a field made necessary', ['required: [title]', 'required: [title, priority]'], 'priority'],
  ] as const)('refuses %s and names it', ([, change, named]) => {
    const { status, said } = changed(change as [string, string])
    expect(said).toContain(named)
    expect(said).toContain('This breaks clients.')
    expect(status).toBe(1)
  })

  test('lets a breaking change pass when the version moves as far as it must', () => {
    expect(changed(withoutMedium, ['version: 0.1.0', 'version: 0.1.1']).status).toBe(1)
    expect(changed(withoutMedium, ['version: 0.1.0', 'version: 0.2.0']).status).toBe(0)
    expect(changed(withoutMedium, ['version: 0.1.0', 'version: 1.0.0']).status).toBe(0)
  })

  test('compares two releases', () => {
    write(text.replace(...withoutMedium).replace('version: 0.1.0', 'version: 0.2.0'))
    git('commit', '--all', '--message', 'second')
    git('tag', 'v0.2.0')
    const { stdout, status } = spawnSync(process.execPath, [command, 'v0.1.0', 'v0.2.0'], { cwd: directory, encoding: 'utf8' })
    expect(stdout).toContain('From v0.1.0 to v0.2.0')
    expect(stdout).toContain("lost values: 'medium'")
    expect(status).toBe(0)
  })
})
