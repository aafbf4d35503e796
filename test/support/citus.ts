// Databases with the schema and the stand-in for Citus in citus/extension.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import postgres from 'postgres'
import type { TestContext } from 'vitest'
import { createDatabase } from './taskspec.ts'

/** The file that distributes the tables, and its statements. A client such as psql sends each of them by itself. */
export const distribution: string = readFileSync(new URL('../../db/distribute.sql', import.meta.url), 'utf8')
export const statements: string[] = distribution.split(/(?<=;)\n(?:\n|$)/).filter(each => each.trim() !== '')

/** A database that ends with the test. */
export async function createSharded(atEnd: TestContext['onTestFinished'], { citus = true } = {}) {
  const database = await createDatabase()
  const sql = postgres(database.url, { max: 1, onnotice: () => {} })
  atEnd(async () => {
    await sql.end()
    await database.drop()
  })
  if (citus) await createCitus(sql)
  return { url: database.url, sql }
}

/** Creates the extension as an operator would, after telling this session where its files are. */
export async function createCitus(sql: postgres.Sql): Promise<void> {
  const folder = fileURLToPath(new URL('citus', import.meta.url))
  await sql.unsafe(`set extension_control_path = '${folder}:$system'`)
  await sql`create extension citus`
}
