// The releases in test/releases, and whether they agree with the history of this clone.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'

/** `contract` is the text of the released openapi.yaml. */
export type Release = { version: string; commit: string; contract: string }
/** `shallow`: old commits can be absent. `absent`: the folder is no clone, for example an unpacked archive. */
export type History = 'complete' | 'shallow' | 'absent'

const folder = 'test/releases'
const list = `${folder}/releases.json`

/** The releases, oldest first. Throws an error that says what to do if the list, the contracts and the history disagree. */
export function readReleases(root: string): { releases: Release[]; history: History } {
  const entries: Omit<Release, 'contract'>[] = existsSync(join(root, list)) ? JSON.parse(readFileSync(join(root, list), 'utf8')) : []
  if (entries.length === 0) throw new Error(`${list} lists no release to compare with. Restore it from an earlier commit.`)
  const history = historyOf(root)
  const releases = entries.map(entry => {
    if (!/^[0-9a-f]{40}$/.test(entry.commit)) throw new Error(`${list}: write the commit of ${entry.version} as 40 hexadecimal digits.`)
    const release = { ...entry, contract: contractOf(root, entry) }
    if (history !== 'absent') compareWithCommit(root, release, history)
    return release
  })
  releases.reduce((before, release) => {
    if (compareVersions(before.version, release.version) < 0) return release
    throw new Error(`${list} lists ${release.version} after ${before.version}. List the releases oldest first, each once.`)
  })
  return { releases, history }
}

/** Writes the files of a release into an empty folder. */
export function checkOut(root: string, { version, commit }: Release, into: string) {
  const history = historyOf(root)
  if (history === 'absent') throw new Error(`The code of release ${version} is not here: this folder is no clone. Run this in a clone.`)
  if (!isInHistory(root, commit))
    throw new Error(`Commit ${commit} of release ${version} is not in this clone. Fetch the history with: git fetch --unshallow`)
  const archive = execFileSync('git', ['archive', commit], { cwd: root, maxBuffer: 2 ** 28 })
  execFileSync('tar', ['-x', '-C', into], { input: archive })
}

/** Negative if `a` is below `b`, 0 if they are equal. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [versionParts(a), versionParts(b)]
  return left.map((part, index) => part - (right[index] as number)).find(difference => difference !== 0) ?? 0
}

/** Major, minor and patch. */
export function versionParts(version: string): [number, number, number] {
  const [, ...parts] = /^(\d+)\.(\d+)\.(\d+)$/.exec(version) ?? []
  if (parts.length === 0) throw new Error(`${version} is not a version. Write three numbers, for example 0.3.0.`)
  return parts.map(Number) as [number, number, number]
}

/** Runs git in the folder and returns its output unchanged. */
export function git(root: string, ...words: string[]): string {
  return execFileSync('git', words, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 2 ** 26 })
}

function historyOf(root: string): History {
  if (!existsSync(join(root, '.git'))) return 'absent'
  return git(root, 'rev-parse', '--is-shallow-repository').trim() === 'true' ? 'shallow' : 'complete'
}

function contractOf(root: string, { version, commit }: Omit<Release, 'contract'>): string {
  const file = `${folder}/${version}.yaml`
  if (!existsSync(join(root, file))) throw new Error(`${file} is missing. ${restore(version, commit)}`)
  const contract = readFileSync(join(root, file), 'utf8')
  const written = parse(contract)?.info?.version
  if (written !== version) throw new Error(`${file} has version ${written}. ${restore(version, commit)}`)
  return contract
}

function compareWithCommit(root: string, { version, commit, contract }: Release, history: History) {
  if (!isInHistory(root, commit)) {
    if (history === 'shallow') return
    throw new Error(
      `${list} names commit ${commit} for ${version}, which the history of this branch does not contain. Correct the commit, or fetch the branch that has it.`,
    )
  }
  if (git(root, 'show', `${commit}:openapi.yaml`) === contract) return
  throw new Error(`${folder}/${version}.yaml is not openapi.yaml of commit ${commit}. ${restore(version, commit)}`)
}

function isInHistory(root: string, commit: string): boolean {
  try {
    git(root, 'merge-base', '--is-ancestor', commit, 'HEAD')
    return true
  } catch {
    return false
  }
}

const restore = (version: string, commit: string) => `Write it with: git show ${commit}:openapi.yaml > ${folder}/${version}.yaml`
