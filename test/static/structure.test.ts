// The architecture: which layer may import which other layers, and which layer owns a dependency.
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

const root = new URL('../../', import.meta.url)

// Each layer with the layers it may import, besides itself and `generated/`. A layer is a folder of src, or a file beside the folders.
const layers: Record<string, string[]> = {
  main: ['node-version', 'server', 'cluster', 'http', 'database', 'auth', 'observe', 'config', 'contract'],
  cli: ['node-version', 'database', 'auth', 'observe', 'config', 'contract'],
  dev: ['server', 'handlers', 'database', 'auth', 'observe', 'config', 'contract'],
  server: ['http', 'pipeline', 'background', 'handlers', 'resource', 'database', 'auth', 'observe', 'config', 'contract'],
  cluster: ['observe'],
  handlers: ['domain', 'exchange', 'resource', 'database', 'contract'],
  domain: ['resource', 'database', 'contract'],
  exchange: ['contract'],
  http: ['pipeline', 'observe', 'config', 'contract'],
  background: ['observe', 'contract'],
  pipeline: ['database', 'observe', 'config', 'contract'],
  resource: ['database', 'contract'],
  database: ['observe', 'config', 'contract'],
  auth: ['config', 'contract'],
  observe: ['config', 'contract'],
  config: [],
  contract: [],
  client: [],
}
// Dynamic imports, so that only a process that needs the module loads it.
const lazy: Record<string, string[]> = { main: ['dev'], cli: ['dev'], server: ['observe'] }

const owners: Record<string, string> = {
  express: 'http',
  cors: 'http',
  'proxy-addr': 'http',
  'rate-limiter-flexible': 'pipeline',
  'openapi-backend': 'pipeline',
  ajv: 'pipeline',
  'ajv-formats': 'pipeline',
  jose: 'auth',
  postgres: 'database',
  dbmate: 'database',
  pino: 'observe',
  'prom-client': 'observe',
  '@opentelemetry': 'observe',
  'rrule-temporal': 'domain',
  'csv-parse': 'exchange',
  'csv-stringify': 'exchange',
  'swagger-ui-dist': 'handlers',
  yaml: 'dev',
  '@redocly': 'dev',
  '@stoplight': 'dev',
  'openapi-fetch': 'client',
}

// Pure functions without state, which any layer may import.
const shared = ['fractional-indexing', 'ipaddr.js']

type Import = { from: string; to: string; lazy: boolean }

const sources = readdirSync(new URL('src/', root), { recursive: true })
  .map(String)
  .filter(file => file.endsWith('.ts') && !file.startsWith('client/dist/'))
const read = (file: string) => readFileSync(new URL(`src/${file}`, root), 'utf8')
const imports = sources.flatMap(from => importsOf(from, read(from)))
const local = imports
  .filter(({ to }) => to.startsWith('.'))
  .map(each => ({ ...each, to: new URL(each.to, new URL(`src/${each.from}`, root)).href.slice(root.href.length).replace(/^src\//, '') }))
const layer = (file: string) => file.split('/')[0]?.replace(/\.[jt]s$/, '') as string

test('every form of an import is found', () => {
  const text = [
    "import one from './one.ts'",
    'import {',
    '  two,',
    "} from './two.ts'",
    "export type { Three } from './three.ts'",
    "import './four.ts'",
    "const five = await import('./five.ts')",
    "const six = createRequire(import.meta.url).resolve('six/package.json')",
    "const seven = createRequire(import.meta.url)('seven')",
    "const eight = import.meta.resolve('eight/cli.js')",
  ].join('\n')
  const found = importsOf('a.ts', text).map(({ to, lazy }) => (lazy ? `${to} lazy` : to))
  const eager = ['./one.ts', './two.ts', './three.ts', './four.ts', 'six/package.json', 'seven', 'eight/cli.js']
  expect(found).toEqual([...eager, './five.ts lazy'])
})

describe('layers', () => {
  test('every file is in a layer, and every layer has a file', () => {
    expect([...new Set(sources.map(layer))].sort()).toEqual(Object.keys(layers).sort())
  })

  test('imports go to the same layer or to one that the table allows', () => {
    const allowed = (each: Import) => {
      const [from, to] = [layer(each.from), layer(each.to)]
      if (each.to.startsWith('generated/') || from === to) return true
      return layers[from]?.includes(to) || (each.lazy && lazy[from]?.includes(to))
    }
    const wrong = local.filter(each => !allowed(each)).map(({ from, to }) => `${from} -> ${to}`)
    expect(wrong).toEqual([])
    expect(local.length).toBeGreaterThan(40)
  })

  test('handlers do not import each other', () => {
    const between = local.filter(({ from, to }) => layer(from) === 'handlers' && layer(to) === 'handlers')
    expect(between.filter(({ from }) => from !== 'handlers/index.ts')).toEqual([])
  })

  test('the table has no cycle', () => {
    const reach = (from: string, seen: string[] = []): string[] =>
      (layers[from] ?? []).flatMap(to => (seen.includes(to) ? [to] : [to, ...reach(to, [...seen, from])]))
    expect(Object.keys(layers).filter(each => reach(each).includes(each))).toEqual([])
  })
})

test('one layer per dependency', () => {
  const outside = imports.filter(({ to }) => !to.startsWith('.') && !to.startsWith('node:'))
  const named = outside
    .filter(({ to }) => !shared.includes(to))
    .map(({ from, to }) => ({ from, layer: layer(from), name: to.split('/')[0] as string }))
  expect(named.filter(({ layer, name }) => owners[name] !== layer)).toEqual([])
  expect([...new Set(named.map(({ name }) => name))].sort()).toEqual(Object.keys(owners).sort())
})

test('the library for traces is loaded only if traces are exported', () => {
  expect(local.filter(({ to, lazy }) => to === 'observe/tracing.ts' && lazy).map(({ from }) => from)).toEqual(['server.ts'])
  const early = sources.filter(file => /^import (?!type )[^']*'\.+\/tracing\.ts'/m.test(read(file)))
  expect(early.filter(file => layer(file) !== 'config')).toEqual([]) // config has its own tracing.ts
})

test('only the configuration reads the environment', () => {
  expect(sources.filter(file => /process\.env|\benv\./.test(read(file)))).toEqual(['config/config.ts'])
})

test('no file has more than 250 lines', () => {
  expect(sources.filter(file => read(file).split('\n').length > 250)).toEqual([])
})

test('no file name is without a subject, such as utils', () => {
  expect(sources.filter(file => /(utils?|helpers?|common|misc|core|manager|service)\b/.test(file))).toEqual([])
})

test('no statement selects all columns with *', () => {
  expect(sources.filter(file => /select\s+(\w+\.)?\*/.test(read(file)))).toEqual([])
})

function importsOf(from: string, text: string): Import[] {
  const targets = (pattern: RegExp) => [...text.matchAll(pattern)].map(match => match[1] as string)
  const eager = [
    ...targets(/^(?:import|export)\s[^'"`;]*?from '([^']+)'/gm),
    ...targets(/^import '([^']+)'/gm),
    ...targets(/(?:createRequire\([^)]*\)(?:\.resolve)?|import\.meta\.resolve)\('([^']+)'\)/g),
  ]
  const lazy = targets(/\bimport\('([^']+)'\)/g)
  return [...eager.map(to => ({ from, to, lazy: false })), ...lazy.map(to => ({ from, to, lazy: true }))]
}
