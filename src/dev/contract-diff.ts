// `npm run contract:diff` prints how openapi.yaml differs from the last release, and fails if its version is too low for that.
// `npm run contract:diff -- 0.1.0 0.2.0` compares two releases. The rules for versions are in test/releases/README.md.
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { parse } from 'yaml'
import { compareVersions, type Release, readReleases, versionParts } from './releases.ts'

type Bump = 'major' | 'minor' | 'patch'
type Change = { path: string; kind: string; impact: Bump; property?: string; verdicts: { message: string }[] }
/** `bump` is how far the version must be raised, null if both contracts are the same. */
export type Comparison = { bump: Bump | null; changes: Change[] }
type Contract = { name: string; text: string }

/** Compares two contracts of the folder, and returns what to print. `errors` is empty if the versions follow the rules. */
export async function contractDiff(root: string, from?: string, to?: string): Promise<{ report: string; errors: string[] }> {
  const { releases, history } = readReleases(root)
  const base = from === undefined ? (releases.at(-1) as Release) : find(releases, from)
  const revision = to === undefined ? { name: 'openapi.yaml', text: read(root, 'openapi.yaml') } : released(find(releases, to))
  const comparison = await compare(released(base), revision)
  const notes =
    history === 'complete' ? [] : [`This folder has no complete history (${history}): commits of releases were not all checked.`]
  const report = [
    `From ${base.version} to ${revision.name}:`,
    '',
    ...described(comparison, base.version),
    `The version is ${versionOf(revision)}.`,
    ...notes,
  ].join('\n')
  const errors = [...versionErrors(base.version, versionOf(revision), comparison.bump), ...(to === undefined ? disagreements(root) : [])]
  return { report, errors }
}

/** Redocly compares the contracts. What it does not see still needs a new patch version. */
export async function compare(base: Contract, revision: Contract): Promise<Comparison> {
  if (isDeepStrictEqual(withoutVersion(base), withoutVersion(revision))) return { bump: null, changes: [] }
  const { bump, changes } = await redocly(base, revision)
  return { bump: bump ?? 'patch', changes }
}

/** Why a contract may not follow the base under this version. */
export function versionErrors(base: string, version: string, bump: Bump | null): string[] {
  if (compareVersions(version, base) < 0) return [`info.version is ${version}, below ${base}.`]
  if (bump === null) return []
  const needed = lowestVersion(base, bump)
  if (compareVersions(version, needed) >= 0) return []
  return [
    `${bump === 'major' ? 'This breaks clients: r' : 'R'}aise info.version from ${version} to ${needed} or higher, or take the change back.`,
    'The rules for versions are in test/releases/README.md.',
  ]
}

function lowestVersion(base: string, bump: Bump): string {
  const [major, minor, patch] = versionParts(base)
  if (bump === 'patch') return `${major}.${minor}.${patch + 1}`
  return bump === 'minor' || major === 0 ? `${major}.${minor + 1}.0` : `${major + 1}.0.0`
}

/** The other files that have to have the version of openapi.yaml. */
function disagreements(root: string): string[] {
  const version = versionOf({ text: read(root, 'openapi.yaml') })
  const lock = JSON.parse(read(root, 'package-lock.json'))
  const versions = {
    'package.json': JSON.parse(read(root, 'package.json')).version,
    'package-lock.json': lock.version,
    'packages[""] of package-lock.json': lock.packages[''].version,
    'src/client/package.json': JSON.parse(read(root, 'src/client/package.json')).version,
  }
  const wrong = Object.entries(versions).filter(([, each]) => each !== version)
  return [
    ...wrong.map(([file, each]) => `${file} has version ${each}, openapi.yaml has ${version}. Write the same version in both.`),
    ...(read(root, 'CHANGELOG.md').split('\n').includes(`## ${version}`) ? [] : [`CHANGELOG.md has no heading "## ${version}". Add it.`]),
  ]
}

function described({ bump, changes }: Comparison, base: string): string[] {
  if (bump === null) return ['The contract is the same.']
  const isText = ({ impact, property = '' }: Change) => impact === 'patch' && texts.includes(property)
  const rest = changes.filter(each => !isText(each))
  const lines = rest.flatMap(({ impact, kind, path, property, verdicts }) => [
    `${impact.padEnd(5)}  ${kind} ${path.replace('#/', '').replaceAll('~1', '/')}${property === undefined ? '' : ` · ${property}`}`,
    ...verdicts.map(({ message }) => `         ${message}`),
  ])
  const textLine = rest.length === changes.length ? [] : [`patch  ${changes.length - rest.length} texts: ${texts.join(', ')}`]
  return [...lines, ...textLine, '', `These changes require version ${lowestVersion(base, bump)} or higher.`]
}

// Changes of these alone tell a client nothing, and there are many of them: they are counted.
const texts = ['title', 'summary', 'description', 'example', 'examples', 'value']

/** One process for both what has changed and how far the version must be raised. */
async function redocly(...contracts: Contract[]): Promise<{ bump?: Bump; changes: Change[] }> {
  const directory = mkdtempSync(join(tmpdir(), 'taskspec-contract-'))
  try {
    const files = contracts.map(({ text }, index) => {
      const file = join(directory, `${index}.yaml`)
      writeFileSync(file, text)
      return file
    })
    const program = fileURLToPath(import.meta.resolve('@redocly/cli/bin/cli.js'))
    const words = [program, 'diff', ...files, '--format', 'json', '--fail-on', 'none']
    // Without these two it asks servers of its own before it ends.
    const env = { REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' }
    const output = await new Promise<string>((resolve, reject) =>
      execFile(process.execPath, words, { cwd: directory, env, maxBuffer: 2 ** 26 }, (error, stdout, stderr) =>
        error === null ? resolve(stdout) : reject(new Error(`Redocly could not compare the contracts: ${stderr}`)),
      ),
    )
    return JSON.parse(output)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function find(releases: Release[], version: string): Release {
  const release = releases.find(each => each.version === version)
  if (release !== undefined) return release
  throw new Error(`${version} is not a release. Choose one of: ${releases.map(each => each.version).join(', ')}.`)
}

function read(root: string, file: string): string {
  if (!existsSync(join(root, file))) throw new Error(`${file} is missing.`)
  return readFileSync(join(root, file), 'utf8')
}

const released = ({ version, contract }: Release): Contract => ({ name: version, text: contract })
const versionOf = ({ text }: Pick<Contract, 'text'>): string => String(parse(text).info.version)

function withoutVersion({ text }: Contract) {
  const document = parse(text)
  return { ...document, info: { ...document.info, version: undefined } }
}

if (import.meta.main)
  try {
    const { report, errors } = await contractDiff(fileURLToPath(new URL('../..', import.meta.url)), ...process.argv.slice(2, 4))
    console.log(report)
    for (const error of errors) console.error(error)
    process.exitCode = errors.length === 0 ? 0 : 1
  } catch (error) {
    console.error((error as Error).message)
    process.exitCode = 1
  }
