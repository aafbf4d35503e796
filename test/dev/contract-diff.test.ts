// `npm run contract:diff`. Redocly takes a second for each comparison, so one comparison shows many changes.
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { text } from '../../src/contract/document.ts'
import { compare, contractDiff, versionErrors } from '../../src/dev/contract-diff.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const commit = '1'.repeat(40)
let folder: string

type Edit = [from: string | RegExp, to: string]
function edited(...edits: Edit[]): string {
  return edits.reduce((document, [from, to]) => {
    expect(document).toMatch(from)
    return document.replace(from, to)
  }, text)
}

const withVersion = (version: string): Edit => [/^ {2}version: \S+$/m, `  version: ${version}`]
const write = (file: string, content: string) => writeFileSync(join(folder, file), content)
const writeJson = (file: string, content: object) => write(file, JSON.stringify(content))

function writeVersion(version: string) {
  writeJson('package.json', { version })
  writeJson('package-lock.json', { version, packages: { '': { version } } })
  writeJson('src/client/package.json', { version })
  write('CHANGELOG.md', `# Changelog\n\n## ${version}\n`)
}

// A folder without history: the contracts beside the list are enough.
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'taskspec-diff-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  for (const name of ['test/releases', 'src/client']) mkdirSync(join(folder, name), { recursive: true })
  write('test/releases/0.1.0.yaml', edited(withVersion('0.1.0')))
  writeJson('test/releases/releases.json', [{ version: '0.1.0', commit }])
  write('openapi.yaml', edited(withVersion('0.1.0')))
  writeVersion('0.1.0')
})

describe('changes', () => {
  const compareWith = (...edits: Edit[]) => compare({ name: 'before', text }, { name: 'after', text: edited(...edits) })

  test('the version alone, comments and layout are no change', async () => {
    expect(await compareWith(withVersion('9.0.0'), [/^/, '# a comment\n\n'])).toEqual({ bump: null, changes: [] })
  })

  test('an addition requires a minor version', async () => {
    const { bump, changes } = await compareWith([/(\s+)(PATCH|patch):/, '$1head: { responses: { 200: { description: a } } }$1$2:'])
    expect(changes).toContainEqual(expect.objectContaining({ kind: 'added', impact: 'minor' }))
    expect(bump).toBe('minor')
  })

  test('a new text requires a patch version', async () => {
    expect((await compareWith([/(?<=^ {2}summary: ).*$/m, 'a'])).bump).toBe('patch')
  })

  test('every breaking change is found and named', async () => {
    const { bump, changes } = await compareWith(
      ['enum: [none, low, medium, high]', 'enum: [none, low, high]'],
      [/(Task:[\s\S]*?)dueTime: (\{ \$ref)/, '$1timeDue: $2'],
      [/(\n {4}Title:[\s\S]*?)maxLength: 500/, '$1maxLength: 400'],
      ['operationId: listTasks', 'operationId: findTasks'],
      ['required: [title]', 'required: [title, priority]'],
    )
    const messages = changes.flatMap(({ impact, verdicts }) => (impact === 'major' ? verdicts.map(({ message }) => message) : []))
    expect(bump).toBe('major')
    for (const message of [
      "lost values: 'medium'",
      'dueTime',
      "`maxLength` of `title` changed from '500' to '400'",
      'listTasks',
      'priority',
    ])
      expect(messages).toContainEqual(expect.stringContaining(message))
  })

  test('a document that Redocly cannot read is an error', async () => {
    const broken = { name: 'after', text: '{ info: { version: 0.1.0 } }' }
    await expect(compare({ name: 'before', text }, broken)).rejects.toThrow('Redocly could not compare the contracts: ')
  })
})

test('any change raises the version, and a breaking one the minor version below 1.0', () => {
  const refuses = (base: string, version: string, bump: Parameters<typeof versionErrors>[2]) =>
    versionErrors(base, version, bump)
      .join(' ')
      .match(/\S+(?= or higher)|below \S+/)?.[0]
  expect(refuses('0.1.0', '0.1.0', null)).toBeUndefined()
  expect(refuses('0.1.0', '0.0.9', null)).toBe('below 0.1.0.')
  expect(refuses('0.1.0', '0.1.0', 'patch')).toBe('0.1.1')
  expect(refuses('0.1.0', '0.1.1', 'patch')).toBeUndefined()
  expect(refuses('0.1.0', '0.1.1', 'minor')).toBe('0.2.0')
  expect(refuses('0.1.0', '0.1.1', 'major')).toBe('0.2.0')
  expect(refuses('0.1.0', '0.2.0', 'major')).toBeUndefined()
  expect(refuses('0.1.0', '1.0.0', 'major')).toBeUndefined()
  expect(refuses('1.1.0', '1.2.0', 'minor')).toBeUndefined()
  expect(refuses('1.1.0', '1.2.0', 'major')).toBe('2.0.0')
  expect(refuses('1.1.0', '2.0.0', 'major')).toBeUndefined()
  expect(versionErrors('0.1.0', '0.1.0', 'major').join()).toContain('This breaks clients')
})

describe('contract:diff', () => {
  test('says that nothing has changed', async () => {
    const { report, errors } = await contractDiff(folder)
    expect(report).toContain('From 0.1.0 to openapi.yaml:\n\nThe contract is the same.')
    expect(report).toContain('This folder has no complete history (absent)')
    expect(errors).toEqual([])
  })

  test('lists a breaking change, and refuses it if the version is too low', async () => {
    const withoutMedium: Edit = ['enum: [none, low, medium, high]', 'enum: [none, low, high]']
    write('openapi.yaml', edited(withVersion('0.1.0'), withoutMedium))
    const { report, errors } = await contractDiff(folder)
    expect(report).toContain("lost values: 'medium'")
    expect(errors[0]).toContain('This breaks clients: raise info.version from 0.1.0 to 0.2.0 or higher')
  })

  test('compares with the last release, or with another one', async () => {
    write('test/releases/0.2.0.yaml', edited(withVersion('0.2.0')))
    writeJson(
      'test/releases/releases.json',
      ['0.1.0', '0.2.0'].map(version => ({ version, commit })),
    )
    write('openapi.yaml', edited(withVersion('0.2.0')))
    writeVersion('0.2.0')
    expect((await contractDiff(folder)).report).toContain('From 0.2.0 to openapi.yaml')
    expect((await contractDiff(folder, '0.1.0')).report).toContain('From 0.1.0 to openapi.yaml')
    expect((await contractDiff(folder, '0.1.0', '0.2.0')).report).toContain('From 0.1.0 to 0.2.0')
    await expect(contractDiff(folder, '0.3.0')).rejects.toThrow('0.3.0 is not a release. Choose one of: 0.1.0, 0.2.0.')
  })

  test('refuses files with another version', async () => {
    writeJson('package.json', { version: '0.1.1' })
    writeJson('package-lock.json', { version: '0.1.2', packages: { '': { version: '0.1.3' } } })
    writeJson('src/client/package.json', { version: '0.1.4' })
    write('CHANGELOG.md', '## 0.1.1\n')
    expect((await contractDiff(folder)).errors).toEqual([
      expect.stringContaining('package.json has version 0.1.1, openapi.yaml has 0.1.0.'),
      expect.stringContaining('package-lock.json has version 0.1.2, '),
      expect.stringContaining('packages[""] of package-lock.json has version 0.1.3, '),
      expect.stringContaining('src/client/package.json has version 0.1.4, '),
      'CHANGELOG.md has no heading "## 0.1.0". Add it.',
    ])
  })
})

describe('the command', () => {
  const run = (where: string, ...words: string[]) =>
    promisify(execFile)(process.execPath, [join(where, 'src/dev/contract-diff.ts'), ...words]).then(
      ({ stdout }) => ({ code: 0, output: stdout }),
      ({ code, stdout, stderr }) => ({ code, output: stdout + stderr }),
    )

  // `npm run lint` compares this repository with its last release.
  test('compares two releases of this repository', async () => {
    expect(await run(root, '0.1.0', '0.2.0')).toEqual({ code: 0, output: expect.stringContaining('added x-quotas') })
  })

  test('ends with 1 and one sentence if it cannot compare or must refuse', async () => {
    cpSync(join(root, 'src/dev'), join(folder, 'src/dev'), { recursive: true })
    cpSync(join(root, 'node_modules/yaml'), join(folder, 'node_modules/yaml'), { recursive: true })
    writeJson('package.json', { version: '0.1.1', type: 'module' })
    expect(await run(folder)).toEqual({ code: 1, output: expect.stringMatching(/package\.json has version 0\.1\.1.*\n$/) })
    rmSync(join(folder, 'test/releases/releases.json'))
    expect(await run(folder)).toEqual({
      code: 1,
      output: 'test/releases/releases.json lists no release to compare with. Restore it from an earlier commit.\n',
    })
  })
})
