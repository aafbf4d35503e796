// No check passes because it did not run: lists of cases are never empty, and every skip names its need.
// And none fails because the machine is slow: what it waits for may take a minute.
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { cases, needs } from '../support/checks.ts'
import { summary } from '../support/reporter.ts'

const directory = new URL('../', import.meta.url)
const files = readdirSync(directory, { recursive: true })
  .map(String)
  .filter(file => file.endsWith('.test.ts') && file !== 'static/checks.test.ts')

const retries = 'retry hides a failure'
const shortWait = 'vi.waitFor gives up after a second: use eventually()'

/** The constructs that let a test file pass without running its tests. */
function faults(text: string): string[] {
  const lists = [...text.matchAll(/\b(?:describe|test|it)(?:\.\w+)*\.(?:for|each)(?:<[^()]*>)?\(\s*(\S{1,30})/g)].map(
    ([, list]) => list as string,
  )
  const skips = [...text.matchAll(/\.(?:skipIf|runIf|skip|only|todo|fails)\(|\b(?:skip|only|todo): true/g)].map(([found]) => found)
  const inTest = [...text.matchAll(/\bskip\(\s*[^,()]*(?:\([^()]*\)[^,()]*)*(,?)/g)]
    .filter(([, reason]) => reason === '')
    .map(([found]) => found)
  return [
    ...lists.filter(list => !/^(\[|cases\(|operations\.map\()/.test(list)).map(list => `cases(${list}…) would fail if the list is empty`),
    ...[...skips, ...inTest].map(found => `${found} does not name its need: use needs()`),
    ...(/\bretry: [1-9]/.test(text) ? [retries] : []),
    ...(/\bvi\.wait(For|Until)\(/.test(text) ? [shortWait] : []),
  ]
}

test('no file can pass without running its tests, or waits for a second only', () => {
  expect(files.length).toBeGreaterThan(50)
  const found = files.flatMap(file => faults(readFileSync(new URL(file, directory), 'utf8')).map(fault => ({ file, fault })))
  expect(found).toEqual([])
})

describe('finds', () => {
  test.each([
    ["test.for(names)('%s', () => {})"],
    ["test.for<string>(names)('%s', () => {})"],
    ["describe.each(Object.entries(targets))('%s', () => {})"],
    ["test.for(operations.filter(isOwned))('%s', () => {})"],
    ["test.skipIf(true)('a', () => {})"],
    ["test.skip('a', () => {})"],
    ["describe.only('a', () => {})"],
    ["test('a', { skip: true }, () => {})"],
    ["test('a', { timeout: 1, retry: 2 }, () => {})"],
    ["test('a', ({ skip }) => skip(isAbsent(x)))"],
    ["test('a', ({ skip }) => skip())"],
    ['await vi.waitFor(() => expect(log).toHaveLength(1))'],
  ])('%s', text => {
    expect(faults(text)).toHaveLength(1)
  })

  test.each([
    ["test.for([1, 2])('%s', () => {})"],
    ["test.for<[string, number]>([\n['a', 1]])('%s', () => {})"],
    ["describe.for(cases(names).map(name => [name]))('%s', () => {})"],
    ["describe.for(operations.map(each => [each]))('%s', () => {})"],
    ["test('a', needs(isInstalled, 'a program'), () => {})"],
    ["test('a', ({ skip }) => skip(Number(limit ?? 0) < 10, `more files`))"],
  ])('nothing in %s', text => {
    expect(faults(text)).toEqual([])
  })
})

test('an empty list of cases is an error', () => {
  expect(cases([1])).toEqual([1])
  expect(() => cases([])).toThrow('The list of cases is empty')
})

test('the end of a run names the needs of skipped tests in one line', () => {
  const skipped = (result: object) => ({ state: 'skipped', ...result })
  const { skip, meta } = needs(false, 'promtool')
  expect(skip).toBe(true)
  const results = [
    { state: 'passed' },
    { state: 'failed' },
    skipped(meta),
    skipped(meta),
    skipped({ note: 'a registry\nthat audits' }),
    skipped({}),
  ]
  expect(summary(results, 1)).toBe(
    'Skipped tests need: promtool (2); a registry that audits (1); a run without a filter (1)\n1 passed, 2 failed, 4 skipped',
  )
})

test('the last line of a run has the counts alone', () => {
  expect(needs(true, 'promtool').skip).toBe(false)
  expect(summary([{ state: 'passed' }], 0)).toBe('1 passed, 0 failed, 0 skipped')
})
