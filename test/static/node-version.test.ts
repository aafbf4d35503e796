// A Node that is too old gets one sentence, not the syntax error of a file that it can't read.
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }

const path = (file: string) => fileURLToPath(new URL(`../../${file}`, import.meta.url))
const read = (file: string) => readFileSync(path(file), 'utf8')
const guard = 'src/node-version.js'

test('the version in package.json is the one of README.md', () => {
  const [, version] = /^>=(\d+\.\d+)$/.exec(manifest.engines.node) ?? []
  expect(read('README.md')).toContain(`install Node ${version} or newer`)
  expect(JSON.parse(read('package-lock.json')).packages[''].engines).toEqual(manifest.engines)
})

test('every script that runs a source checks the version first, and so does every program of operators', () => {
  const sources = Object.entries<string>(manifest.scripts).filter(([, command]) => /\.ts\b/.test(command) && !command.startsWith('npm '))
  expect(sources.length).toBeGreaterThan(10)
  expect(
    sources.filter(([, command]) => !command.replace(' --max-semi-space-size=16', '').startsWith(`node --import ./${guard} `)),
  ).toEqual([])
  const programs = readdirSync(path('src/cli')).filter(name => name.endsWith('.ts'))
  for (const file of ['src/main.ts', ...programs.map(name => `src/cli/${name}`)])
    expect(/^import .*'(.*)'$/m.exec(read(file))?.[1], file).toMatch(/^\.\.?\/node-version\.js$/)
})

const message = (found: string, remedy: string) => `Taskspec needs Node 26.1 or newer, and this is Node ${found}; ${remedy}.\n`

test.for<[string, { scripts: boolean }, string]>([
  ['20.20.2', { scripts: true }, message('20.20.2', 'npm ci installs it for npm start and the other npm scripts')],
  [
    '26.0.9',
    { scripts: false },
    message('26.0.9', 'npm installed none, because install scripts are off: run npm rebuild --ignore-scripts=false'),
  ],
  ['26.1.0', { scripts: false }, ''],
])('Node %s, with install scripts: %o', async ([version, { scripts }, expected]) => {
  const project = mkdtempSync(join(tmpdir(), 'taskspec-test-'))
  onTestFinished(() => rmSync(project, { recursive: true }))
  cpSync(path('package.json'), join(project, 'package.json'))
  cpSync(path(guard), join(project, guard))
  mkdirSync(join(project, 'node_modules/node', scripts ? 'bin' : ''), { recursive: true })
  writeFileSync(join(project, 'node_modules/node/package.json'), '{}')
  const pretend = `data:text/javascript,Object.defineProperty(process,"versions",{value:{node:"${version}"}})`

  const words = ['--import', pretend, '--import', `./${guard}`, '-e', '0']
  const { code = 0, stderr } = await promisify(execFile)(process.execPath, words, { cwd: project }).catch(error => error)
  expect([code, stderr]).toEqual(expected === '' ? [0, ''] : [1, expected])
})

test('V8 knows the options that are set', async () => {
  const options = Array.from(read(guard).matchAll(/setFlagsFromString\('--(?:no-)?([\w-]+)'\)/g), ([, name]) => name as string)
  const { stdout } = await promisify(execFile)(process.execPath, ['--v8-options'])
  expect(options).toEqual(['allocation-site-pretenuring'])
  expect(stdout).toContain(`  --${options[0]} `)
})
