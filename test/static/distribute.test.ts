// db/distribute.sql knows every table and function of db/schema.sql, in an order that foreign keys allow.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { distribution } from '../../src/cli/findings/citus.ts'

const read = (file: string) => readFileSync(new URL(`../../db/${file}`, import.meta.url), 'utf8')
const [schema, file] = [read('schema.sql'), read('distribute.sql')]

const tables = [...schema.matchAll(/^CREATE (?:UNLOGGED )?TABLE public\.(\w+) \(\n([\s\S]*?)^\);/gm)].map(([, name, columns]) => ({
  name: name as string,
  ofOwners: /^ {4}owner_id /m.test(columns as string),
}))
const functions = [...schema.matchAll(/^CREATE FUNCTION public\.(\w+)\((.*)\) RETURNS/gm)].map(
  ([, name, parameters]) => `public.${name}(${parameters?.replaceAll(/(^|, )\w+ /g, '$1')})`,
)
const references = [...schema.matchAll(/^ALTER TABLE ONLY public\.(\w+)\n.* FOREIGN KEY .* REFERENCES public\.(\w+)\(/gm)]

// Each statement must name the table twice: what it distributes, and what it looks for.
const calls = [
  ...file.matchAll(
    /^select create_(\w+)_table\('public\.(\w+)'(?:, '(\w+)', colocate_with => '([\w.]+)')?\)\nwhere 'public\.(\w+)'::regclass not in \(/gm,
  ),
].map(([, kind, name, key = null, beside = null, guard]) => ({ kind, name: name as string, key, beside, guard }))

test('every table is distributed by its owner, or in a way of its own', () => {
  expect(tables.length).toBeGreaterThan(4)
  expect(file.match(/^select create_\w+_table/gm)).toHaveLength(calls.length)
  expect(calls.map(({ name }) => name).sort()).toEqual(tables.map(({ name }) => name).sort())
  for (const { kind, name, key, beside, guard } of calls) {
    expect(guard, name).toBe(name)
    expect({ name, key }).toEqual({ name, key: distribution[name] })
    expect(kind, name).toBe(key === null ? 'reference' : 'distributed')
    if (tables.find(table => table.name === name)?.ofOwners) expect([key, beside], name).toEqual(['owner_id', 'public.users'])
    else expect(beside, name).toBe(key === null ? null : 'none')
  }
  expect(distribution.users).toBe('id')
})

test('a table comes after those that it references', () => {
  const order = calls.map(({ name }) => name)
  expect(references.length).toBeGreaterThan(2)
  for (const [, from, to] of references) expect(order.indexOf(to as string), `${from} -> ${to}`).toBeLessThan(order.indexOf(from as string))
})

test('every function is on every node', () => {
  expect(functions.length).toBeGreaterThan(6)
  expect([...file.matchAll(/^ {4}'(public\..*\))',?$/gm)].map(([, name]) => name).sort()).toEqual(functions.sort())
})

// What Citus cannot distribute. A default or a generated column may call immutable functions only.
test('no table has what Citus refuses', () => {
  expect(schema).not.toMatch(
    /^CREATE (CONSTRAINT )?TRIGGER|EXCLUDE USING|GENERATED (ALWAYS|BY DEFAULT) AS IDENTITY|ON DELETE SET|INHERITS|PARTITION BY/m,
  )
})
