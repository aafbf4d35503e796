// The package as frontend teams use it: packed, installed, compiled and run. All of it runs in child processes.
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { tokenFor } from '../../src/auth/issue.ts'
import { document } from '../../src/contract/document.ts'
import { createSandbox } from '../../src/dev/sandbox.ts'
import { cases } from '../support/checks.ts'
import { prism } from '../support/prism.ts'
import { test, tokenOf } from '../support/taskspec.ts'

type Output = { code: number; stdout: string; stderr: string }
type Target = { url: string; token: string; stop: () => Promise<void> }

const root = fileURLToPath(new URL('../../', import.meta.url))
const programs = new URL('programs/', import.meta.url)
const options = { strict: true, target: 'es2022', outDir: 'out', skipLibCheck: true }
// One project with Node's resolution, no browser types and all checks; one with a bundler's resolution and browser types.
const projects = {
  nodenext: {
    compilerOptions: {
      ...options,
      ...{ module: 'nodenext', lib: ['es2022'], types: ['node'] },
      ...{ exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, skipLibCheck: false },
    },
  },
  bundler: {
    compilerOptions: {
      ...options,
      ...{ module: 'esnext', moduleResolution: 'bundler', lib: ['es2022', 'dom', 'dom.iterable'], types: ['react'], jsx: 'react-jsx' },
    },
  },
}
type Project = keyof typeof projects
const names = Object.keys(projects) as Project[]
const compiler = join(root, 'node_modules/typescript-7/bin/tsc')

let directory: string
let compiled: Record<Project, Output>

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'taskspec-client-'))
  await Promise.all(names.map(makeProject))
  const [client, ...peers] = await pack()
  await install('nodenext', [client as string, ...peers])
  await cp(join(directory, 'nodenext/node_modules/@taskspec'), join(directory, 'bundler/node_modules/@taskspec'), { recursive: true })
  const results = await Promise.all(names.map(name => run(compiler, ['--project', '.', '--pretty', 'false'], join(directory, name))))
  compiled = { nodenext: results[0] as Output, bundler: results[1] as Output }
})
afterAll(() => rm(directory, { recursive: true, force: true }))

describe('the package', () => {
  const inside = (name: string) => join(directory, 'nodenext/node_modules/@taskspec/client', name)

  test('has JavaScript, types, the contract, a README and the licence, and nothing else', async () => {
    const files = (await readdir(inside('.'), { recursive: true, withFileTypes: true })).filter(each => each.isFile())
    expect(
      files
        .map(({ name }) => name)
        .filter(name => !/\.(js|d\.ts)$/.test(name))
        .sort(),
    ).toEqual(['LICENSE', 'README.md', 'openapi.yaml', 'package.json'])
    const contents = await Promise.all([readFile(inside('openapi.yaml'), 'utf8'), readFile(join(root, 'openapi.yaml'), 'utf8')])
    expect(contents[0]).toBe(contents[1])
  })

  test('has the version of the contract and needs openapi-fetch only', async () => {
    const manifest = JSON.parse(await readFile(inside('package.json'), 'utf8'))
    expect(manifest).toMatchObject({ name: '@taskspec/client', version: document.info.version, license: 'MIT' })
    expect(Object.keys(manifest.peerDependencies)).toEqual(['openapi-fetch'])
    expect(manifest.dependencies).toBeUndefined()
  })

  test('packing leaves no files in the source folder', async () => {
    const sources = await readdir(new URL('../../src/client/', import.meta.url))
    expect((await readdir(join(directory, 'repository/src/client'))).sort()).toEqual(sources.sort())
  })
})

describe.each(cases(names))('with the resolution of %s', name => {
  const errors = (file: string) =>
    [...compiled[name].stdout.matchAll(/^([\w-]+\.tsx?)\((\d+),\d+\): error (TS\d+)/gm)]
      .filter(match => match[1] === file)
      .map(([, , line, code]) => `${line} ${code}`)

  test('correct programs and the examples of the README compile', () => {
    expect(compiled[name].stdout.split('\n').filter(line => /^\S.*error TS/.test(line) && !line.startsWith('errors.ts'))).toEqual([])
  })

  test('each incorrect line fails with the expected error', async () => {
    const lines = (await readFile(new URL('errors.ts', programs), 'utf8')).split('\n')
    const expected = lines.flatMap((line, i) => [...line.matchAll(/\/\/ (TS\d+)$/g)].map(match => `${i + 1} ${match[1]}`))
    expect(expected.length).toBeGreaterThan(20)
    expect(errors('errors.ts')).toEqual(expected)
  })
})

describe.concurrent('one program', () => {
  const targets: Record<string, (server: string) => Promise<Target>> = {
    mock: async () => ({ ...(await prism('mock')), token: 'any' }),
    sandbox: async () => {
      const box = await createSandbox({ port: 0 })
      return { ...box, token: await tokenFor('dora', box.auth) }
    },
    server: async url => ({ url, token: await tokenOf('ann'), stop: async () => {} }),
  }

  test.for(cases(Object.entries(targets)))('runs against the %s', async ([, start], { service }) => {
    const { url, token, stop } = await start(service.url)
    const { stdout, stderr } = await run('node', ['main.mjs', url, token], join(directory, 'nodenext/out')).finally(stop)
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual([
      'created 201: Book the ferry to Tallinn, high, travel,tickets',
      'read 200: Book the ferry to Tallinn, tagged true',
      'listed stringboolean,stringboolean',
      'updated 200: Book the ferry to Tallinn',
      'refused 422: /problems/invalid-request, body /title minLength',
      'deleted undefined',
    ])
  })
})

test('the program of the README finds one next occurrence of a chore that was completed twice at the same time', async ({ service }) => {
  const { stdout, stderr } = await run('node', ['chores.js', service.url, await tokenOf('greta')], join(directory, 'nodenext/out'))
  expect(stderr).toBe('')
  const [id] = stdout.split('\n')
  expect(stdout.split('\n')).toEqual([
    ...[id, id, `Water the plants ${id}`],
    ...['2099-01-12 Water the plants', 'null Add the feed', 'null Fill the can', ''],
  ])
})

async function makeProject(name: Project) {
  const at = join(directory, name)
  const examples = name === 'bundler' ? await readExamples() : { 'chores.ts': await readChores() }
  const main = `import { program } from './program.js'\nconsole.log(JSON.stringify(await program(process.argv[2], process.argv[3])))\n`
  await mkdir(join(at, 'out'), { recursive: true })
  const files: Record<string, string> = {
    'package.json': JSON.stringify({ name, private: true, type: 'module' }),
    'tsconfig.json': JSON.stringify({ ...projects[name], include: ['*'] }),
    'out/main.mjs': main,
    ...examples,
  }
  await Promise.all(Object.entries(files).map(([file, text]) => writeFile(join(at, file), text)))
  await cp(programs, at, { recursive: true })
  if (name === 'nodenext') return
  for (const dependency of ['openapi-fetch', 'openapi-react-query', '@tanstack/react-query', 'react', '@types/react'])
    await link(dependency, at)
}

/** The code blocks of the README as files. The first line may name the file; the other files import `api` from it. */
async function readExamples(): Promise<Record<string, string>> {
  const text = await readFile(join(root, 'src/client/README.md'), 'utf8')
  const blocks = [...text.matchAll(/^```(tsx?)\n(.*?)^```$/gms)] as unknown as [string, string, string][]
  expect(blocks.length).toBeGreaterThan(5)
  return Object.fromEntries(
    blocks.map(([, language, code], i) => {
      const named = /^\/\/ ([\w.]+)\n/.exec(code)?.[1]
      return named === undefined ? [`example-${i}.${language}`, `import { api } from './api'\n${code}`] : [named, code]
    }),
  )
}

/** The program in the README of the project. */
async function readChores(): Promise<string> {
  const [, code] = /^```ts\n(\/\/ chores\.ts\n.*?)^```$/ms.exec(await readFile(join(root, 'README.md'), 'utf8')) ?? []
  return code as string
}

/** The tarballs of the client and of its dependencies, packed from a copy of the repository, so that nothing here is touched. */
async function pack(): Promise<string[]> {
  const copy = join(directory, 'repository')
  const own = /\/(dist|openapi\.yaml|LICENSE)$/
  await cp(join(root, 'src/client'), join(copy, 'src/client'), { recursive: true, filter: source => !own.test(source) })
  for (const name of ['package.json', 'tsconfig.json', 'openapi.yaml', 'LICENSE', 'generated'])
    await cp(join(root, name), join(copy, name), { recursive: true })
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'))
  const packed = await Promise.all([
    npm(['run', '--silent', 'client:pack', '--', '--pack-destination', directory], copy),
    npm(
      ['pack', '--silent', '--ignore-scripts', './node_modules/openapi-fetch', './node_modules/openapi-typescript-helpers'],
      root,
      directory,
    ),
  ])
  return packed.flatMap(({ stdout }) => stdout.trim().split('\n')).map(name => join(directory, name))
}

async function install(name: Project, tarballs: string[]) {
  await npm(['install', '--offline', '--no-audit', '--no-fund', ...tarballs], join(directory, name))
  await link('@types/node', join(directory, name))
}

async function link(dependency: string, at: string) {
  const path = join(at, 'node_modules', dependency)
  await mkdir(join(path, '..'), { recursive: true })
  await symlink(join(root, 'node_modules', dependency), path)
}

async function npm(words: string[], at: string, destination?: string): Promise<Output> {
  const output = await run('npm', destination === undefined ? words : [...words, '--pack-destination', destination], at)
  if (output.code !== 0) throw new Error(`npm ${words.join(' ')}: ${output.stdout}${output.stderr}`)
  return output
}

/** Without the settings that npm hands to its scripts: those are of this repository. */
async function run(command: string, words: string[], cwd: string): Promise<Output> {
  const { PATH, HOME } = process.env
  const env = { PATH, HOME, NO_COLOR: '1', npm_config_update_notifier: 'false', npm_config_offline: 'true' }
  return promisify(execFile)(command, words, { cwd, env, maxBuffer: 1e8 }).then(
    output => ({ code: 0, ...output }),
    error => ({ code: error.code, stdout: error.stdout, stderr: error.stderr }),
  )
}
