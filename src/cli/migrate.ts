// `npm run migrate`: applies the pending migrations to the database of MIGRATION_DATABASE_URL, or of DATABASE_URL if that is not set.
import { ConfigError, readConfig } from '../config/config.ts'
import { migrate } from '../database/migrate.ts'

try {
  const { migrationUrl, databaseUrl } = readConfig()
  const url = migrationUrl ?? databaseUrl
  if (url === null) throw new ConfigError('Set DATABASE_URL to the database to migrate. The embedded database is migrated by npm start.')
  await migrate(url)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
