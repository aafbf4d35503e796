// The table of identity providers in src/auth/README.md is complete, and a server starts with its settings.
import { expect, test } from 'vitest'
import { readConfig } from '../../src/config/config.ts'
import { table, tokens } from './providers.ts'

test('each provider of the table has a token that tries it, and each token a row', () => {
  expect(table().map(({ provider }) => provider)).toEqual(Object.keys(tokens))
})

test('each row has the settings of a server in production, and no other', () => {
  for (const { provider, settings, audienceClaim } of table()) {
    expect([provider, Object.keys(settings).sort()]).toEqual([
      provider,
      ['AUTH_AUDIENCE', 'AUTH_AUDIENCE_CLAIM', 'AUTH_ISSUER', 'AUTH_JWKS_URL'],
    ])
    const { auth } = readConfig({ ...settings, NODE_ENV: 'production', DATABASE_URL: 'postgres://db/taskspec' })
    expect(auth).toMatchObject({ jwksUrl: settings.AUTH_JWKS_URL, audienceClaim, secret: null })
  }
})
