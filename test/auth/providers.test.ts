// Tokens as identity providers issue them, with the settings of each row of the table in src/auth/README.md. Only the key server is another one.
import type { JWK, JWTPayload } from 'jose'
import { expect, test } from 'vitest'
import { createAuthenticator } from '../../src/auth/authenticator.ts'
import { readConfig } from '../../src/config/config.ts'
import { forge } from '../support/authentication.ts'
import { cases } from '../support/checks.ts'
import { createKeyServer, type Signer, signer } from '../support/keyserver.ts'
import { type Row, table, tokens } from './providers.ts'

const secret = 'a-legacy-secret-that-the-provider-shares-with-its-servers'
const signers: Record<string, Signer> = {}
for (const alg of ['EdDSA', 'ES256', 'RS256']) signers[alg] = await signer(alg, 'key')

/** The function that verifies a token as a server with these settings. */
async function open({ settings }: Row, keys: JWK[], atEnd: (stop: () => Promise<void>) => void) {
  const server = await createKeyServer(...keys)
  atEnd(server.stop)
  const variables = { ...settings, AUTH_JWKS_URL: server.url, AUTH_SECRET: secret, NODE_ENV: 'production', DATABASE_URL: 'postgres://db/x' }
  const { auth } = readConfig(variables)
  return createAuthenticator(auth as NonNullable<typeof auth>)
}

for (const row of cases(table())) {
  const { provider, audienceClaim } = row

  test(`tokens of ${provider} are accepted, and only for the right issuer and audience`, async ({ onTestFinished }) => {
    const shapes = cases(tokens[provider]?.() ?? [])
    for (const { alg, header, payload, key = (jwk: JWK) => [jwk] } of shapes) {
      const { jwk = {}, sign } = signers[alg] ?? {}
      const authenticate = await open(row, key(jwk as JWK), onTestFinished)
      const token = async (changes: JWTPayload) => {
        const claims = { ...payload, ...changes }
        return sign === undefined ? forge({ alg, kid: 'key', ...header }, claims, secret) : sign(claims, { kid: 'key', ...header })
      }
      const verify = async (changes: JWTPayload) => authenticate(`Bearer ${await token(changes)}`)

      const claims = { email: payload.email ?? null, name: payload.name ?? null }
      expect(await verify({})).toEqual({ id: payload.sub, claims, expiresAt: expect.any(Number) })
      for (const [claim, value] of [
        ['iss', 'https://other.example'],
        ['iss', undefined],
        [audienceClaim, 'other'],
        [audienceClaim, ['other']],
        [audienceClaim, undefined],
      ] as const)
        await expect(verify({ [claim]: value })).rejects.toMatchObject({
          kind: 'unauthenticated',
          message: expect.stringContaining(`"${claim}"`),
        })
    }
  })
}
