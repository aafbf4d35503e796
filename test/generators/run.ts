// `npm run generators` generates clients from openapi.yaml with other tools, compiles them, and creates and lists tasks with each. It installs
// the tools into .artifacts/generators, and writes its results into src/client/README.md. With `-- --check` it compares them instead.
import { type ChildProcess, spawn } from 'node:child_process'
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { tokenFor } from '../../src/auth/issue.ts'
import { createSandbox } from '../../src/dev/sandbox.ts'
import { type Generator, generators } from './generators.ts'
import { type Result, table, withTable } from './table.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const here = fileURLToPath(new URL('./', import.meta.url))
const directory = join(root, '.artifacts/generators')
const timeoutMs = 120_000

await mkdir(directory, { recursive: true })
for (const name of ['package.json', 'package-lock.json']) await cp(join(here, name), join(directory, name))
await cp(join(here, 'settings'), directory, { recursive: true })
await cp(join(here, 'programs'), join(directory, 'programs'), { recursive: true })
await cp(join(root, 'openapi.yaml'), join(directory, 'openapi.yaml'))
const installed = await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {}, 600_000)
if (installed.code !== 0) throw new Error(installed.output)

const sandbox = await createSandbox({ port: 0 })
const environment = { TASKSPEC_URL: sandbox.url, TASKSPEC_TOKEN: await tokenFor('alice', sandbox.auth) }
const results: Result[] = []
try {
  for (const generator of generators) results.push(await tried(generator))
} finally {
  await sandbox.stop()
}
await report(results)

async function tried({ name, command }: Generator): Promise<Result> {
  await rm(join(directory, name), { recursive: true, force: true })
  await mkdir(join(directory, name))
  const generated = await tool(command)
  if (generated.code !== 0 || (await readdir(join(directory, name))).length === 0) return failure(name, 'generates', generated.output)

  const program = `programs/${name}.ts`
  await writeFile(join(directory, `tsconfig.${name}.json`), JSON.stringify({ extends: './tsconfig.json', include: [name, program] }))
  const compiled = await tool(['tsc', '--project', `tsconfig.${name}.json`, '--pretty', 'false'])
  if (compiled.code !== 0) return failure(name, 'compiles', compiled.output)

  const bundle = `${name}.bundle.mjs`
  await tool(['esbuild', program, '--bundle', '--packages=external', '--platform=node', '--format=esm', `--outfile=${bundle}`])
  const { output } = await run(process.execPath, [bundle], environment)
  const steps = output.trim().split('\n').at(-1) ?? ''
  if (!steps.startsWith('{')) return failure(name, 'create', output)
  const outcome = { generates: true, compiles: true, ...JSON.parse(steps) } as Result['outcome']
  for (const [step, value] of Object.entries(outcome)) if (value !== true) console.error(`${name} ${step}: ${value}`)
  return { name, outcome }
}

function failure(name: string, step: string, output: string): Result {
  console.error(`${name} ${step}:\n${output}`)
  const steps = ['generates', 'compiles', 'create', 'list', 'dates', 'arrays']
  return { name, outcome: Object.fromEntries(steps.map(each => [each, steps.indexOf(each) < steps.indexOf(step)])) }
}

async function report(results: Result[]) {
  const file = join(root, 'src/client/README.md')
  const before = await readFile(file, 'utf8')
  const after = withTable(before, table(results))
  if (!process.argv.includes('--check')) return writeFile(file, after)
  if (before === after) return
  console.error('The table in src/client/README.md is out of date. Run `npm run generators`.')
  process.exitCode = 1
}

function tool([program = '', ...words]: string[]) {
  return run(process.execPath, [join(directory, 'node_modules/.bin', program), ...words], environment)
}

function run(
  program: string,
  words: string[],
  env: Record<string, string>,
  timeout = timeoutMs,
): Promise<{ code: number | null; output: string }> {
  const child: ChildProcess = spawn(program, words, {
    cwd: directory,
    env: { ...process.env, ...env },
    timeout,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', bytes => (output += bytes))
  return new Promise((resolve, reject) => child.on('error', reject).on('close', code => resolve({ code, output })))
}
