// The architecture, held: imports point down, and each dependency is known by one file.
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

const root = new URL('../../', import.meta.url)

// Top to bottom. A file may import what stands below it.
const floors = [
  ['main.ts'],
  ['server.ts'],
  ['http/listener.ts'],
  ['http/app.ts', 'http/metrics-endpoint.ts'],
  ['http/router.ts'],
  ['handlers/index.ts'],
  ['handlers/users.ts', 'handlers/categories.ts', 'handlers/tasks.ts', 'handlers/system.ts'],
  ['domain/sort.ts', 'resource/item.ts'],
  ['domain/revision.ts', 'resource/etag.ts', 'resource/page.ts', 'domain/quota.ts'],
  ['contract/types.ts'],
  ['pipeline/rate-limit.ts', 'observe/metrics.ts', 'database/migrations.ts', 'observe/tracing.ts', 'cluster.ts'],
  ['auth/authenticator.ts', 'database/database.ts', 'http/shedding.ts'],
  ['database/batched-writes.ts', 'database/errors.ts', 'database/batched-reads.ts'],
  [
    'database/coalesce.ts',
    'database/semaphore.ts',
    'http/request.ts',
    'database/timeout.ts',
    'observe/log.ts',
    'config/config.ts',
    'http/paths.ts',
    'pipeline/deprecation.ts',
    'contract/document.ts',
    'database/types.ts',
  ],
  ['observe/spans.ts', 'observe/traceparent.ts'],
  ['config/database-url.ts', 'http/origin.ts', 'contract/problem.ts', 'database/sql.ts'],
]
// Beside the tower: what only development and the command line need. The server itself is not for them.
const beside: Record<string, string[]> = {
  'database/migrate.ts': ['config/config.ts', 'database/database.ts', 'database/migrations.ts', 'database/primary.ts'],
  'database/primary.ts': ['database/database.ts', 'config/database-url.ts'],
  'dev/postgres.ts': [],
  'dev/database.ts': ['database/migrate.ts', 'dev/postgres.ts'],
  'dev/key.ts': ['config/config.ts', 'dev/database.ts'],
  'cli/token.ts': ['auth/authenticator.ts', 'config/config.ts', 'dev/key.ts'],
  'dev/sandbox.ts': [
    ...['config/config.ts', 'database/database.ts', 'database/errors.ts', 'observe/log.ts', 'database/migrate.ts', 'server.ts'],
    ...['dev/key.ts', 'dev/people.ts', 'dev/postgres.ts', 'cli/token.ts'],
  ],
  'cli/doctor.ts': [
    'auth/authenticator.ts',
    'config/config.ts',
    'database/database.ts',
    'database/errors.ts',
    'config/database-url.ts',
    'database/migrations.ts',
    'database/primary.ts',
    'contract/problem.ts',
  ],
  'dev/people.ts': [],
  'dev/contract-diff.ts': [],
  'dev/welcome.ts': ['config/config.ts', 'dev/database.ts', 'cli/token.ts'],
  'dev/generate.ts': [],
  'client/index.ts': ['client/retry.ts', 'client/types.ts'],
  'client/retry.ts': [],
  'client/types.ts': [],
}
const owners: Record<string, string> = {
  express: 'http/app.ts',
  cors: 'http/app.ts',
  'proxy-addr': 'http/app.ts',
  'rate-limiter-flexible': 'pipeline/rate-limit.ts',
  'openapi-backend': 'http/router.ts',
  ajv: 'http/router.ts',
  'ajv-formats': 'http/router.ts',
  jose: 'auth/authenticator.ts',
  postgres: 'database/database.ts',
  dbmate: 'database/migrate.ts',
  pino: 'observe/log.ts',
  'prom-client': 'observe/metrics.ts',
  '@opentelemetry': 'observe/tracing.ts',
  yaml: 'dev/generate.ts',
  'openapi-fetch': 'client/index.ts',
}

type Import = { from: string; to: string; lazy: boolean }

const sources = readdirSync(new URL('src/', root), { recursive: true })
  .map(String)
  .filter(file => file.endsWith('.ts') && !file.startsWith('client/dist/'))
const read = (file: string) => readFileSync(new URL(`src/${file}`, root), 'utf8')
const imports: Import[] = sources.flatMap(from => [
  ...[...read(from).matchAll(/^(?:import|export)\s[^'"`;]*?from '([^']+)'/gm)].map(match => ({
    from,
    to: match[1] as string,
    lazy: false,
  })),
  ...[...read(from).matchAll(/import\('([^']+)'\)/g)].map(match => ({ from, to: match[1] as string, lazy: true })),
])
const local = imports
  .filter(({ to }) => to.startsWith('.'))
  .map(each => ({ ...each, to: new URL(each.to, new URL(`src/${each.from}`, root)).href.slice(root.href.length).replace(/^src\//, '') }))
const floor = (file: string) => floors.findIndex(files => files.includes(file))

describe('floors', () => {
  test('every file has its place', () => {
    expect([...floors.flat(), ...Object.keys(beside)].sort()).toEqual(sources.toSorted())
  })

  test('imports point down', () => {
    const allowed = ({ from, to, lazy }: Import) => {
      if (to.startsWith('generated/')) return true
      if (beside[from] !== undefined) return beside[from].includes(to)
      if (beside[to] !== undefined) return from === 'main.ts' && lazy
      return floor(to) > floor(from)
    }
    expect(local.filter(each => !allowed(each))).toEqual([])
    expect(local.length).toBeGreaterThan(40)
  })
})

test('one file per dependency', () => {
  const outside = imports.filter(({ to }) => !to.startsWith('.') && !to.startsWith('node:'))
  const named = outside.map(({ from, to }) => ({ from, name: to.split('/')[0] as string }))
  expect(named.filter(({ from, name }) => owners[name] !== from)).toEqual([])
  expect([...new Set(named.map(({ name }) => name))].sort()).toEqual(Object.keys(owners).sort())
})

test('traces cost nothing where there are none: their library is loaded late', () => {
  expect(local.filter(({ to, lazy }) => to === 'observe/tracing.ts' && lazy).map(({ from }) => from)).toEqual(['server.ts'])
  expect(sources.filter(file => /^import (?!type )[^']*'\.+\/tracing\.ts'/m.test(read(file)))).toEqual([])
})

test('only the configuration reads the environment', () => {
  expect(sources.filter(file => /process\.env|\benv\./.test(read(file)))).toEqual(['config/config.ts'])
})

test('a file fits in a head', () => {
  expect(sources.filter(file => read(file).split('\n').length > 250)).toEqual([])
})

test('no name owns nothing', () => {
  expect(sources.filter(file => /(utils?|helpers?|common|misc|core|manager|service)\b/.test(file))).toEqual([])
})

test('no statement selects whatever there is', () => {
  expect(sources.filter(file => /select\s+(\w+\.)?\*/.test(read(file)))).toEqual([])
})
