// `npm run lint` runs every check that needs no server, side by side. It prints the output of a check only if the check fails, and always the
// difference to the last release of the contract.
import { execFile } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { plainPath } from './plain-path.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const plain = plainPath(root)

type Check = { name: string; command: string[]; alwaysPrint?: boolean }

/** The slowest first: the others run beside it. */
const checks: Check[] = [
  { name: 'types', command: ['../typescript-7/bin/tsc'] }, // `.bin/tsc` is TypeScript 5, which openapi-typescript needs; it takes three times as long
  { name: 'contract:diff', command: ['node', 'src/dev/contract-diff.ts'], alwaysPrint: true },
  { name: 'style', command: ['biome', 'check', '--error-on-warnings'] },
  { name: 'generated files', command: ['node', 'src/dev/generate.ts', '--check'] },
  { name: 'openapi.yaml', command: ['redocly', 'lint', `${plain}openapi.yaml`, '--config', `${plain}test/contract/redocly.yaml`] },
]

const waiting = checks.values()
await Promise.all(
  Array.from({ length: availableParallelism() }, async () => {
    for (const check of waiting) await report(check)
  }),
)

async function report({ name, command: [program = '', ...words], alwaysPrint = false }: Check) {
  const { failed, output } = await run(`${root}node_modules/.bin/${program}`, words)
  if (failed) process.exitCode = 1
  console.log(`${failed ? '✗' : '✓'} ${name}${failed || alwaysPrint ? `\n${output.trim()}\n` : ''}`)
}

function run(program: string, words: string[]): Promise<{ failed: boolean; output: string }> {
  return new Promise(resolve => {
    execFile(program, words, { cwd: root, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) =>
      resolve({ failed: error !== null, output: `${stdout}${stderr}${error !== null && stdout + stderr === '' ? error.message : ''}` }),
    )
  })
}
