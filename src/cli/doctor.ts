// `npm run doctor`: checks everything that the server needs, with the server's own settings, and says what to do.
import '../node-version.js'
import http from 'node:http'
import { type Config, ConfigError, readConfig } from '../config/config.ts'
import { type DatabaseUrl, hostLocation } from '../config/database-url.ts'
import { createDatabase } from '../database/database.ts'
import { databaseFindings, unreachable } from './findings/database.ts'
import type { Finding } from './findings/finding.ts'
import { hostsFinding } from './findings/hosts.ts'
import { keysFinding } from './findings/keys.ts'
import { statementTimeout } from './findings/session.ts'

async function examine(config: Config): Promise<Finding[]> {
  const { production, databaseUrl: url } = config
  const settings = { subject: 'settings', state: production ? 'for production' : 'for development' }
  const database = url === null ? [{ subject: 'database', state: 'embedded, started by npm start' }] : await examineDatabase(url, config)
  return [settings, ...database, await keysFinding(config)]
}

async function examineDatabase(url: DatabaseUrl, config: Config): Promise<Finding[]> {
  const { pooler } = config
  const warning = url.warning === null ? [] : [{ subject: 'url', state: `DATABASE_URL ${url.warning}` }]
  const hosts = url.hosts.length > 1 ? [await hostsFinding(url, pooler)] : []
  const db = createDatabase({ url, poolSize: 1, pooler, unchecked: true, timeoutFactor: statementTimeout.factor })
  const findings = await databaseFindings(db, config).catch(error => [unreachable(error, url.hosts.map(hostLocation).join(' or '))])
  await db.close()
  return [...warning, ...hosts, ...findings]
}

try {
  const config = readConfig()
  if (config.proxy !== null) http.setGlobalProxyFromEnv(config.proxy)
  const findings = await examine(config)
  for (const { subject, state, remedy } of findings) {
    console.log(`${remedy === undefined ? 'ok' : '!!'}  ${subject.padEnd(12)}${state}`)
    if (remedy !== undefined) console.log(`                ${remedy}`)
  }
  if (findings.some(({ remedy }) => remedy !== undefined)) process.exitCode = 1
} catch (error) {
  if (!(error instanceof ConfigError)) throw error
  console.error(error.message)
  process.exitCode = 1
}
