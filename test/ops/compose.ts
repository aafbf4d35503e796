// The Compose files of src/ops as Compose reads them, without variables filled in.
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

export type Service = Record<string, unknown> & {
  image: string
  environment?: Record<string, string>
  volumes?: string[]
  networks: string[]
  command?: string[]
  depends_on?: Record<string, { condition: string }>
}
export type Compose = { name: string; services: Record<string, Service>; volumes: object; networks: object }

/** One file of the folder, which may be a part that is no deployment by itself. */
export const readCompose = (file: string): Compose =>
  parse(readFileSync(new URL(`../../src/ops/${file}`, import.meta.url), 'utf8'), { merge: true })

/** Each deployment that the manual describes. */
export const deployments: Record<'one PostgreSQL' | 'Citus', Compose> = {
  'one PostgreSQL': readCompose('compose.yaml'),
  Citus: merged(readCompose('compose.yaml'), readCompose('compose.citus.yaml')) as Compose,
}

/** https://docs.docker.com/reference/compose-file/merge/ */
function merged(one: unknown, other: unknown, key = ''): unknown {
  if (key === 'volumes' && Array.isArray(one) && Array.isArray(other)) return mergedMounts(one, other)
  if (Array.isArray(one) && Array.isArray(other) && !['command', 'entrypoint', 'test'].includes(key))
    return [...new Set([...one, ...other])]
  if (!isMap(one) || !isMap(other)) return other
  const keys = new Set([...Object.keys(one), ...Object.keys(other)])
  return Object.fromEntries(
    [...keys].map(each => [each, each in one && each in other ? merged(one[each], other[each], each) : (one[each] ?? other[each])]),
  )
}

/** A mount replaces another at the same place. */
function mergedMounts(one: string[], other: string[]): string[] {
  const places = other.map(placeOf)
  return [...one.filter(each => !places.includes(placeOf(each))), ...other]
}

function placeOf(mount: string): string {
  return mount.split(':')[1] as string
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
