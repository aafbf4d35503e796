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

export async function issue(config: AuthConfig, { id, claims }: Omit<Caller, 'expiresAt'>, lifetimeSeconds: number): Promise<string> {
  if (config.secret === null) throw new Error('Tokens can be issued only with AUTH_SECRET or the development key.')
  const { email, name } = claims
  const [issuer] = config.issuers
  const [audience] = config.audiences
  const audienceClaim = audience === undefined ? {} : { [config.audienceClaim]: audience }
  const token = new SignJWT({ ...(email !== null && { email }), ...(name !== null && { name }), ...audienceClaim })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(id)
    .setIssuedAt()
    .setExpirationTime(`${lifetimeSeconds} s`)
  if (issuer !== undefined) token.setIssuer(issuer)
  return token.sign(new TextEncoder().encode(config.secret))
}
