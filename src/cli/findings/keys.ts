// Whether the keys that verify tokens are available.
import { createAuthenticator } from '../../auth/authenticator.ts'
import type { Config } from '../../config/config.ts'
import { Problem } from '../../contract/problem.ts'
import type { Finding } from './finding.ts'

/** Authenticates with an unsigned token, which makes the authenticator fetch its keys. */
export async function keysFinding({ auth }: Config): Promise<Finding> {
  if (auth === null) return { subject: 'keys', state: 'development key' }
  if (auth.jwksUrl === null) return { subject: 'keys', state: 'shared secret' }
  const header = Buffer.from(JSON.stringify({ alg: auth.algorithms[0], kid: 'doctor' })).toString('base64url')
  const error = await createAuthenticator(auth)(`Bearer ${header}.e30.AA`).catch(error => error)
  if (error instanceof Problem && error.kind === 'unauthenticated') return { subject: 'keys', state: `available at ${auth.jwksUrl}` }
  const remedy = 'Check AUTH_JWKS_URL and the network between this machine and the key server.'
  return { subject: 'keys', state: `not available at ${auth.jwksUrl}`, remedy }
}
