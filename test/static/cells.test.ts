// The files of src/ops for cells against the schema and the other files. test/ops/cells.test.ts runs them.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')
const cells = sectionsOf(read('src/ops/haproxy.cells.cfg'))
const replicas = sectionsOf(read('src/ops/haproxy.cfg'))

test('move-accounts.sh copies every table of an owner, each after those that it references', () => {
  const schema = read('db/schema.sql')
  const tables = [...schema.matchAll(/^CREATE (?:UNLOGGED )?TABLE public\.(\w+) \(\n(.*?)^\);/gms)].map(([, name, columns]) => ({
    name,
    columns,
  }))
  const owned = tables
    .filter(({ name, columns }) => name === 'users' || columns?.includes('    owner_id '))
    .map(({ name }) => name as string)
  const moved = /^tables='(.*)'/m.exec(read('src/ops/move-accounts.sh'))?.[1]?.split(' ') as string[]
  expect([...moved].sort()).toEqual(owned.sort())

  const references = [...schema.matchAll(/^ALTER TABLE ONLY public\.(\w+)\n.* REFERENCES public\.(\w+)\(/gm)]
  expect(references.length).toBeGreaterThan(1)
  for (const [, from, to] of references)
    expect(moved.indexOf(from as string), `${from} after ${to}`).toBeGreaterThan(moved.indexOf(to as string))
  const keys = Object.fromEntries(
    [...schema.matchAll(/^ALTER TABLE ONLY public\.(\w+)\n.* PRIMARY KEY \((.*)\);/gm)].map(([, ...pair]) => pair),
  )
  const others: Record<string, string> = {
    users: 'id',
    webhook_deliveries: 'owner_id, webhook_id, id',
    idempotency_keys: 'owner_id, operation, key_hash',
  }
  for (const table of moved) expect(keys[table], table).toBe(others[table] ?? 'owner_id, id')
})

test('cells.map has every account, in cells that HAProxy has', () => {
  const lines = read('src/ops/cells.map').trim().split('\n')
  const routes = lines.filter(line => !line.startsWith('#')).map(line => line.split(' '))
  expect(routes.map(([prefix]) => prefix)).toEqual([...'0123456789abcdef'])
  const backends = [...cells.keys()].flatMap(name => /^backend (cell-\S+) from cell$/.exec(name)?.[1] ?? [])
  expect([...new Set(routes.map(([, cell]) => cell))]).toEqual(backends)
})

test('each server of a cell also gets requests without a token', () => {
  const servers = [...cells].flatMap(([name, lines]) => {
    const cell = /^backend (cell-\S+) from cell$/.exec(name)?.[1]
    return cell === undefined
      ? []
      : lines.map(line => line.replace(/^server (\w+) (.*)$/, `server ${cell}-$1 $2 no-check track ${cell}/$1`))
  })
  expect(servers).toHaveLength(4)
  expect(cells.get('backend any from cell')).toEqual(servers)
})

test('the proxy of cells differs from the proxy of one database only in the routes', () => {
  for (const name of ['defaults', 'resolvers names', 'frontend public', 'backend inside'])
    expect(cells.get(name), name).toEqual(replicas.get(name))
  const only = (section: string, from: typeof cells, other: typeof cells, theirs = section) =>
    from.get(section)?.filter(line => !other.get(theirs)?.includes(line))
  expect(only('global', replicas, cells)).toEqual([])
  expect(only('frontend replies', replicas, cells)).toEqual([expect.stringContaining('log-format'), 'default_backend replicas'])
  expect(only('backend replicas', replicas, cells, 'defaults cell')).toEqual([
    expect.stringMatching(/^server one /),
    expect.stringMatching(/^server two /),
  ])
  expect(only('defaults cell', cells, replicas, 'backend replicas')?.filter(line => !cells.get('defaults')?.includes(line))).toEqual([])
})

/** The lines of each section, without comments. */
function sectionsOf(text: string): Map<string, string[]> {
  const lines = text.split('\n').filter(line => !/^\s*(#|$)/.test(line))
  const sections = lines.join('\n').split(/\n(?=\S)/)
  return new Map(
    sections.map(section => {
      const [name, ...rest] = section.split('\n')
      return [name as string, rest.map(line => line.trim())]
    }),
  )
}
