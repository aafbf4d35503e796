// `npm run contract:diff`: what has changed in openapi.yaml since the last release, and whether the version says so.
// `npm run contract:diff -- v0.1.0 v0.2.0` compares two releases.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const redocly = fileURLToPath(new URL('../../node_modules/.bin/redocly', import.meta.url))
const spec = 'openapi.yaml'

function git(...words: string[]): string | null {
  try {
    return execFileSync('git', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return null
  }
}

/** The last release; where there is none, where this branch left main. On main itself without a release, only what isn't committed shows. */
function lastRelease(): string | null {
  const tag = git('describe', '--tags', '--match', 'v*', '--abbrev=0')
  if (tag !== null) return tag
  return ['origin/HEAD', 'origin/main', 'main'].map(branch => git('merge-base', 'HEAD', branch)).find(each => each !== null) ?? null
}

function diff(base: string, revision: string, ...options: string[]) {
  const { status, stdout, stderr } = spawnSync(redocly, ['diff', base, revision, ...options], { encoding: 'utf8' })
  return { failed: status !== 0, stdout, stderr }
}

/** Prints the changes between two documents and tells whether they may be released under the version they say. */
function compare(base: string, revision: string): boolean {
  const { summary, changes } = JSON.parse(diff(base, revision, '--format', 'json', '--fail-on', 'none').stdout)
  if (changes.length === 0) {
    console.log('The contract is the same.')
    return true
  }
  console.log(diff(base, revision, '--format', 'stylish', '--fail-on', 'none').stdout.trim())
  if (summary.major === 0) return true

  // Redocly knows what a version must become: the next major one, below 1.0 the next minor one.
  const judged = diff(base, revision, '--format', 'stylish', '--fail-on', 'none', '--check-version')
  if (!judged.failed) return true
  console.error(`\nThis breaks clients.${judged.stderr.match(/info\.version .*/)?.map(line => ` ${line}`) ?? ''}`)
  console.error('Take the change back, or raise info.version in openapi.yaml and say in CHANGELOG.md what clients must do.')
  return false
}

const [from = lastRelease(), to] = process.argv.slice(2)
const before = from === null ? null : git('show', `${from}:${spec}`)
if (before === null) console.log('There is no earlier contract to compare with.')
else {
  const directory = mkdtempSync(join(tmpdir(), 'taskspec-contract-'))
  try {
    const write = (name: string, text: string) => {
      mkdirSync(join(directory, name), { recursive: true })
      writeFileSync(join(directory, name, spec), text)
      return join(directory, name, spec)
    }
    const after = to === undefined ? spec : write('after', git('show', `${to}:${spec}`) ?? '')
    console.log(`From ${from} to ${to ?? 'here'}:\n`)
    process.exitCode = compare(write('before', before), after) ? 0 : 1
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
