// The tokens of identity providers, and the settings for each of them from the table in src/auth/README.md.
// The headers and claims are those that the documentation of each provider shows, without the claims that depend on its configuration.
import { readFileSync } from 'node:fs'
import type { JWK, JWTPayload } from 'jose'
import { now } from '../support/keyserver.ts'

type Shape = {
  alg: 'EdDSA' | 'ES256' | 'RS256' | 'HS256'
  /** besides `alg` and `kid` */
  header: Record<string, string>
  payload: JWTPayload
  /** what the key in the key set has, and how it differs from the usual */
  key?: (jwk: JWK) => JWK[]
}
export type Row = { provider: string; settings: Record<string, string>; audienceClaim: string }

const jwt = { typ: 'JWT' }
const guid = '2b3c4d5e-0000-4000-8000-000000000001'
const times = () => ({ iat: now(), exp: now() + 3600 })
const entraKey = ({ alg, ...jwk }: JWK): JWK[] => [
  { ...jwk, x5t: jwk.kid ?? '', x5c: ['MIIC'], issuer: 'https://login.microsoftonline.com/TENANT/v2.0' } as JWK,
]

/** The first is the usual one. */
export const tokens: Record<string, () => [Shape, ...Shape[]]> = {
  'Better Auth': () => [
    {
      alg: 'EdDSA',
      header: {},
      payload: {
        ...{ ...times(), sub: 'kHc2Y9', iss: 'https://YOUR.APP', aud: 'https://YOUR.APP', id: 'kHc2Y9' },
        ...{ name: 'Ann', email: 'ann@example.com', emailVerified: false, image: null },
      },
    },
  ],
  Auth0: () => [
    {
      alg: 'RS256',
      header: jwt,
      payload: {
        ...{ ...times(), sub: 'auth0|123456', iss: 'https://TENANT.auth0.com/', azp: 'client', scope: 'openid profile' },
        aud: ['API-IDENTIFIER', 'https://TENANT.auth0.com/userinfo'],
      },
    },
    {
      alg: 'RS256',
      header: { typ: 'at+jwt' }, // the profile of RFC 9068
      payload: {
        ...{ ...times(), sub: 'auth0|123456', iss: 'https://TENANT.auth0.com/', client_id: 'client', jti: '73W', scope: 'openid' },
        aud: ['API-IDENTIFIER', 'https://TENANT.auth0.com/userinfo'],
      },
    },
  ],
  Clerk: () => [
    {
      alg: 'RS256',
      header: { ...jwt, cat: 'cl_B7d4PD111AAA' },
      payload: {
        ...{ azp: 'https://YOUR.APP', exp: now() + 60, fva: [7, -1], iat: now(), nbf: now() - 10, iss: 'https://clerk.YOUR.APP' },
        ...{ sid: 'sess_123', sts: 'active', sub: 'user_123', v: 2, fea: 'o:dashboard', pla: 'u:free' },
      },
    },
  ],
  'Amazon Cognito': () => [
    {
      alg: 'RS256',
      header: {},
      payload: {
        ...{ ...times(), sub: guid, iss: 'https://cognito-idp.REGION.amazonaws.com/POOL', client_id: 'CLIENT-ID', version: 2 },
        ...{ origin_jti: guid, event_id: guid, token_use: 'access', scope: 'openid', auth_time: now(), jti: guid, username: 'ann' },
      },
    },
  ],
  'Microsoft Entra': () => [
    {
      alg: 'RS256',
      header: jwt,
      key: entraKey,
      payload: {
        ...{ ...times(), nbf: now(), aud: 'CLIENT-ID', iss: 'https://login.microsoftonline.com/TENANT/v2.0', azp: guid, azpacr: '0' },
        ...{
          name: 'Ann',
          oid: guid,
          preferred_username: 'ann@example.com',
          scp: 'access',
          sub: 'bPnSL00',
          tid: guid,
          uti: 'x',
          ver: '2.0',
        },
      },
    },
    {
      alg: 'RS256',
      header: { ...jwt, x5t: 'key' },
      key: entraKey,
      payload: {
        ...{ ...times(), nbf: now(), aud: 'api://CLIENT-ID', iss: 'https://sts.windows.net/TENANT/', appid: guid, appidacr: '0' },
        ...{ name: 'Ann', oid: guid, upn: 'ann@example.com', scp: 'access', sub: 'bPnSL00', tid: guid, unique_name: 'ann', ver: '1.0' },
      },
    },
  ],
  Firebase: () => [
    {
      alg: 'RS256',
      header: jwt,
      payload: {
        ...{ ...times(), name: 'Ann', iss: 'https://securetoken.google.com/PROJECT', aud: 'PROJECT', auth_time: now(), user_id: 'Y7c' },
        ...{ sub: 'Y7c', email: 'ann@example.com', email_verified: true },
        firebase: { identities: { email: ['ann@example.com'] }, sign_in_provider: 'password' },
      },
    },
  ],
  Keycloak: () => [
    {
      alg: 'RS256',
      header: jwt,
      key: jwk => [{ ...jwk, kid: 'encryption', use: 'enc', alg: 'RSA-OAEP' }, jwk],
      payload: {
        ...{ ...times(), jti: guid, iss: 'https://HOST/realms/REALM', aud: ['AUDIENCE', 'account'], sub: guid, typ: 'Bearer', azp: 'app' },
        ...{ sid: guid, acr: '1', 'allowed-origins': ['*'], realm_access: { roles: ['user'] }, scope: 'openid email profile' },
        ...{ email_verified: true, name: 'Ann', preferred_username: 'ann', email: 'ann@example.com' },
      },
    },
  ],
  Supabase: () => [
    { alg: 'ES256', header: jwt, key: jwk => [{ ...jwk, key_ops: ['verify'], ext: true }], payload: supabase() },
    { alg: 'HS256', header: jwt, payload: supabase() }, // with the legacy secret
  ],
}

function supabase(): JWTPayload {
  return {
    ...{ ...times(), iss: 'https://PROJECT.supabase.co/auth/v1', aud: 'authenticated', sub: guid, email: 'ann@example.com', phone: '' },
    ...{ app_metadata: { provider: 'email', providers: ['email'] }, user_metadata: {}, role: 'authenticated', aal: 'aal1' },
    ...{ amr: [{ method: 'password', timestamp: now() }], session_id: guid, is_anonymous: false },
  }
}

/** The rows of the table. A cell with code is a setting. */
export function table(): Row[] {
  const readme = readFileSync(new URL('../../src/auth/README.md', import.meta.url), 'utf8')
  const [head = '', , ...rows] = /^\| provider \|.*\n(?:\|.*\n)+/m.exec(readme)?.[0].trim().split('\n') ?? []
  const names = cells(head).map(each => each.replaceAll('`', ''))
  return rows.map(row => {
    const [provider = '', ...values] = cells(row)
    const settings = values.flatMap((value, index) => {
      const code = /^`([^`]+)`$/.exec(value)?.[1]
      return code === undefined ? [] : [[names[index + 1] as string, code] as const]
    })
    const { AUTH_AUDIENCE_CLAIM = 'aud', ...others } = Object.fromEntries(settings)
    return { provider, settings: { ...others, AUTH_AUDIENCE_CLAIM }, audienceClaim: AUTH_AUDIENCE_CLAIM }
  })
}

const cells = (row: string) =>
  row
    .split('|')
    .slice(1, -1)
    .map(each => each.trim())
