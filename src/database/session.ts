// The settings of a session that change what a statement means, or how values are read and written. The URL, the role and the database
// may each have others, so the server sets its own when a connection starts, and checks what it is told.
import { type Part, sql } from './sql.ts'

/** A setting of the session is not the one that the statements need. */
export class WrongSetting extends Error {
  override name = 'WrongSetting'
  readonly setting: string

  constructor(setting: string, value: string) {
    super(`The database has ${setting} = '${value}', and the server needs '${needed[setting] ?? 'another value'}'. Run: npm run doctor`)
    this.setting = setting
  }
}

// PgBouncer keeps these for each client, also in transaction mode, and refuses others.
const keptByPoolers = { TimeZone: 'UTC', DateStyle: 'ISO, MDY', client_encoding: 'UTF8', standard_conforming_strings: 'on' }
const others = {
  IntervalStyle: 'postgres',
  bytea_output: 'hex',
  extra_float_digits: '1',
  search_path: 'public',
  default_transaction_isolation: 'read committed',
  transform_null_equals: 'off',
  array_nulls: 'on',
  lock_timeout: '0', // the timeout of a statement includes its locks
}
const needed: Record<string, string> = { ...keptByPoolers, ...others, server_encoding: 'UTF8' }

// `default_transaction_read_only` is not among them: providers switch it on while a disk is full.
export function startupSettings(pooler: boolean): Record<string, string> {
  return pooler ? keptByPoolers : { ...keptByPoolers, ...others }
}

/** The values with which the statements work. No statement depends on the other settings. */
const fits: Record<string, RegExp> = {
  TimeZone: /^(Etc\/)?(UTC|UCT|Universal|Zulu|GMT|GMT0|Greenwich)$/i,
  DateStyle: /^ISO\b/,
  client_encoding: /^(UTF8|UNICODE)$/,
  server_encoding: /^UTF8$/,
  standard_conforming_strings: /^on$/,
  search_path: /^public$/,
  default_transaction_isolation: /^read committed$/,
  transform_null_equals: /^off$/,
}

/** Whether the statements work as they should with this setting. */
export function isFit(setting: string, value: string): boolean {
  return fits[setting]?.test(value) ?? true
}

/** For what PostgreSQL reports by itself when a connection starts. It costs no round trip. */
export function checkReported(setting: string, value: string): void {
  if (setting !== 'search_path' && !isFit(setting, value)) throw new WrongSetting(setting, value)
}

export type Setting = { name: string; value: string }

/** Reads the settings of a session. A schema in front of `public` that does not exist is left out: the default is `"$user", public`. */
export const readSettings: Part = sql`
  select name, case when name = 'search_path' and current_schema() = 'public' then 'public' else current_setting(name, true) end as value
  from unnest(${Object.keys(needed)}::text[]) as name`

/** For a pooler, where each statement may get another session than the one that started. */
export function checkSettings(settings: readonly Setting[]): void {
  for (const { name, value } of settings) if (!isFit(name, value)) throw new WrongSetting(name, value)
}

export function neededValue(setting: string): string {
  return needed[setting] as string
}
