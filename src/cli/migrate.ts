// `npm run migrate`: applies the pending migrations to the database of MIGRATION_DATABASE_URL, or of DATABASE_URL if that is not set.
import '../node-version.js'
import { ConfigError, readConfig } from '../config/config.ts'
import { migrate } from '../database/migrate.ts'
import { explain } from '../database/remedies.ts'

try {
  const { migrationUrl, databaseUrl } = readConfig()
  const url = migrationUrl ?? databaseUrl
  if (url === null) throw new ConfigError('Set DATABASE_URL to the database to migrate. The embedded database is migrated by npm start.')
  if (url.warning !== null) console.error(`${migrationUrl === null ? 'DATABASE_URL' : 'MIGRATION_DATABASE_URL'} ${url.warning}`)
  await migrate(url)
} catch (error) {
  const { code, meaning, remedy } = explain(error)
  console.error(error instanceof Error ? error.message : error)
  if (code !== '') console.error(`The database is not usable: ${meaning} (${code}). ${remedy}`)
  process.exitCode = 1
}
