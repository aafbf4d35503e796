// The list of releases in a repository of its own: each way in which it can disagree with the history is an error.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { checkOut, compareVersions, type Release, readReleases } from '../../src/dev/releases.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const contract = (version: string) => `info: { version: ${version} }\n`
let repository: string
let commits: string[]

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'taskspec-releases-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

function git(...words: string[]): string {
  const identity = ['-c', 'user.name=a', '-c', 'user.email=a@example.com', '-c', 'commit.gpgsign=false']
  return execFileSync('git', [...identity, ...words], { cwd: repository, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim()
}

function write(file: string, text: string, where = repository) {
  mkdirSync(join(where, file, '..'), { recursive: true })
  writeFileSync(join(where, file), text)
}

function commit(): string {
  git('add', '--all')
  git('commit', '--quiet', '--message', 'a', '--allow-empty')
  return git('rev-parse', 'HEAD')
}

function list(...releases: [version: string, commit: string][]) {
  write('test/releases/releases.json', JSON.stringify(releases.map(([version, commit]) => ({ version, commit }))))
}

const read = (where = repository) => readReleases(where)
const first = (where = repository) => read(where).releases[0] as Release

beforeEach(() => {
  repository = folder()
  git('init', '--quiet', '--initial-branch', 'main')
  commits = ['0.1.0', '0.2.0'].map(version => {
    write('openapi.yaml', contract(version))
    write(`test/releases/${version}.yaml`, contract(version))
    return commit()
  })
  list(['0.1.0', commits[0] as string], ['0.2.0', commits[1] as string])
  commit()
})

test('this repository lists its releases', () => {
  const { releases } = readReleases(root)
  expect(releases.slice(0, 2).map(({ version }) => version)).toEqual(['0.1.0', '0.2.0'])
})

test('a release has the contract of its commit', () => {
  expect(read()).toEqual({
    history: 'complete',
    releases: [
      { version: '0.1.0', commit: commits[0], contract: contract('0.1.0') },
      { version: '0.2.0', commit: commits[1], contract: contract('0.2.0') },
    ],
  })
})

describe('it is an error if', () => {
  test('there is no list', () => {
    rmSync(join(repository, 'test/releases/releases.json'))
    expect(() => read()).toThrow('lists no release to compare with. Restore it')
  })

  test('the list is empty', () => {
    list()
    expect(() => read()).toThrow('lists no release to compare with. Restore it')
  })

  test('a contract is missing', () => {
    rmSync(join(repository, 'test/releases/0.2.0.yaml'))
    expect(() => read()).toThrow(`0.2.0.yaml is missing. Write it with: git show ${commits[1]}:openapi.yaml > test/releases/0.2.0.yaml`)
  })

  test('a contract is not that of its commit', () => {
    write('test/releases/0.2.0.yaml', `${contract('0.2.0')}\n`)
    expect(() => read()).toThrow(`0.2.0.yaml is not openapi.yaml of commit ${commits[1]}. Write it with: git show`)
  })

  test('a contract has another version than the list', () => {
    write('test/releases/0.2.0.yaml', contract('0.2.1'))
    expect(() => read()).toThrow('0.2.0.yaml has version 0.2.1. Write it with: git show')
  })

  test('a commit is unknown', () => {
    list(['0.1.0', '1'.repeat(40)])
    expect(() => read()).toThrow(`names commit ${'1'.repeat(40)} for 0.1.0, which the history of this branch does not contain. Correct the`)
  })

  test('a commit is on another branch only', () => {
    git('checkout', '--quiet', '-b', 'other')
    const elsewhere = commit()
    git('checkout', '--quiet', 'main')
    list(['0.2.0', elsewhere])
    expect(() => read()).toThrow('which the history of this branch does not contain')
  })

  test('a commit is not written in full', () => {
    list(['0.1.0', 'main'])
    expect(() => read()).toThrow('write the commit of 0.1.0 as 40 hexadecimal digits')
  })

  test('the releases are not in order', () => {
    list(['0.2.0', commits[1] as string], ['0.1.0', commits[0] as string])
    expect(() => read()).toThrow('lists 0.1.0 after 0.2.0. List the releases oldest first')
  })

  test('git cannot read the clone', () => {
    const broken = folder()
    for (const version of ['0.1.0', '0.2.0']) write(`test/releases/${version}.yaml`, contract(version), broken)
    write('test/releases/releases.json', JSON.stringify([{ version: '0.1.0', commit: commits[0] }]), broken)
    expect(read(broken).history).toBe('absent')
    write('.git', 'gitdir: nowhere', broken)
    expect(() => read(broken)).toThrow('not a git repository')
  })
})

describe('a shallow clone', () => {
  let shallow: string

  beforeEach(() => {
    shallow = folder()
    git('clone', '--quiet', '--depth', '1', pathToFileURL(repository).href, shallow)
  })

  test('has the contracts of its releases', () => {
    expect(read(shallow)).toMatchObject({ history: 'shallow', releases: [{ version: '0.1.0' }, { version: '0.2.0' }] })
  })

  test('cannot check out a release, and names the command that fetches it', () => {
    expect(() => checkOut(shallow, first(shallow), folder())).toThrow('is not in this clone. Fetch the history with: git fetch --unshallow')
  })
})

test('a release is checked out as it was', () => {
  const into = folder()
  checkOut(repository, first(), into)
  expect(existsSync(join(into, 'test/releases/0.1.0.yaml'))).toBe(true)
  expect(existsSync(join(into, 'test/releases/0.2.0.yaml'))).toBe(false)
})

test('nothing is checked out of a folder that is no clone', () => {
  expect(() => checkOut(folder(), first(), folder())).toThrow('this folder is no clone. Run this in a clone.')
})

test('versions compare by number', () => {
  expect(compareVersions('0.10.0', '0.9.0')).toBeGreaterThan(0)
  expect(compareVersions('1.0.0', '0.9.9')).toBeGreaterThan(0)
  expect(compareVersions('0.2.0', '0.2.1')).toBeLessThan(0)
  expect(compareVersions('0.2.0', '0.2.0')).toBe(0)
  expect(() => compareVersions('0.2', '0.2.0')).toThrow('0.2 is not a version')
})
