// Tokens under the shared secret, for development and tests.
import { SignJWT } from 'jose'
import type { AuthConfig } from '../config/auth.ts'
import type { Caller } from '../contract/types.ts'

const weekSeconds = 7 * 24 * 3600

/** A token with the claims of a real provider: `alice` has an email and a name. It is valid for a week. */
export function tokenFor(name: string, config: AuthConfig): Promise<string> {
  const claims = { email: `${encodeURIComponent(name)}@example.com`, name: name.slice(0, 1).toUpperCase() + name.slice(1) }
  return issue(config, { id: name, claims }, weekSeconds)
}

export async function issue(config: AuthConfig, { id, claims }: Caller, lifetimeSeconds: number): Promise<string> {
  if (config.secret === null) throw new Error('Tokens can be issued only with AUTH_SECRET or the development key.')
  const { email, name } = claims
  const token = new SignJWT({ ...(email !== null && { email }), ...(name !== null && { name }) })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(id)
    .setIssuedAt()
    .setExpirationTime(`${lifetimeSeconds} s`)
  if (config.issuer !== null) token.setIssuer(config.issuer)
  if (config.audience !== null) token.setAudience(config.audience)
  return token.sign(new TextEncoder().encode(config.secret))
}
