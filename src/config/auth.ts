// AUTH_*: the issuer of the tokens, and their signature.
import type { Environment } from './environment.ts'

export type AuthConfig = Readonly<{
  jwksUrl: string | null
  secret: string | null
  algorithms: readonly string[]
  /** accepted values of `iss`; empty: all */
  issuers: readonly string[]
  /** accepted values of the claim `audienceClaim`; empty: all */
  audiences: readonly string[]
  audienceClaim: string
}>

const asymmetric = ['EdDSA', 'Ed25519', 'ES256', 'ES384', 'ES512', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']
const minSecretBytes = 32 // HS256 needs a key as long as its hash (RFC 7518, section 3.2)

/** null: neither keys nor a secret are configured. */
export function readAuth({ text, list, values, url, errors }: Environment, production: boolean): AuthConfig | null {
  const jwksUrl = url('AUTH_JWKS_URL', ['https:', 'http:'])
  const secret = text('AUTH_SECRET')
  const issuers = values('AUTH_ISSUER')
  const audiences = values('AUTH_AUDIENCE')
  const audienceClaim = text('AUTH_AUDIENCE_CLAIM')
  const algorithms = list('AUTH_ALGORITHMS') ?? asymmetric

  // fetch refuses such a URL.
  if (jwksUrl !== null && URL.parse(jwksUrl)?.username) errors.push('AUTH_JWKS_URL must not contain a user and a password')
  if (secret !== null && Buffer.byteLength(secret) < minSecretBytes) errors.push(`AUTH_SECRET must have at least ${minSecretBytes} bytes`)
  for (const each of algorithms)
    if (!asymmetric.includes(each)) errors.push(`AUTH_ALGORITHMS must be a list of ${asymmetric.join(', ')}: "${each}" is not one of them`)
  if (production && jwksUrl === null && secret === null)
    errors.push('AUTH_JWKS_URL or AUTH_SECRET must be set in production: it verifies the tokens')
  if (production && issuers.length === 0) errors.push('AUTH_ISSUER must be set in production: it is the "iss" of the tokens')
  if (audiences.length === 0 && (production || audienceClaim !== null))
    errors.push(
      `AUTH_AUDIENCE must be set ${production ? 'in production' : 'with AUTH_AUDIENCE_CLAIM'}: it is the "${audienceClaim ?? 'aud'}" of the tokens`,
    )

  if (jwksUrl === null && secret === null) return null
  return {
    jwksUrl,
    secret,
    issuers,
    audiences,
    audienceClaim: audienceClaim ?? 'aud',
    algorithms: [...(jwksUrl === null ? [] : algorithms), ...(secret === null ? [] : ['HS256'])],
  }
}
