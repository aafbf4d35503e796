// `npm run token -- alice`: prints a token for the user of that name.
import '../node-version.js'
import { tokenFor } from '../auth/issue.ts'
import { ConfigError, readConfig } from '../config/config.ts'

const [, , name] = process.argv
try {
  if (name === undefined) throw new ConfigError('Name a user. For example: npm run token -- alice')
  const auth = readConfig().auth ?? (await (await import('../dev/key.ts')).developmentAuth())
  console.log(await tokenFor(name, auth))
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
