// `npm run token -- alice`: prints a token for a person of that name.
import { issue } from '../auth/authenticator.ts'
import { ConfigError, readConfig } from '../config/config.ts'
import { developmentAuth } from '../dev/key.ts'

const week = 7 * 24 * 3600 // s

/** A token like one of a real provider: `alice` has an email and a name. */
export async function tokenFor(name: string, auth: Parameters<typeof issue>[0]): Promise<string> {
  const claims = { email: `${encodeURIComponent(name)}@example.com`, name: name.slice(0, 1).toUpperCase() + name.slice(1) }
  return issue(auth, { id: name, claims }, week)
}

if (import.meta.main) {
  const [, , name] = process.argv
  try {
    if (name === undefined) throw new ConfigError('Whose token? For example: npm run token -- alice')
    console.log(await tokenFor(name, readConfig().auth ?? (await developmentAuth())))
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
}
