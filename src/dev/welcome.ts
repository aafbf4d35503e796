// The text that `npm start` prints in development.
import { tokenFor } from '../auth/issue.ts'
import type { AuthConfig } from '../config/auth.ts'
import type { Config } from '../config/config.ts'
import { type DatabaseUrl, databaseLocation } from '../config/database-url.ts'
import type { EmbeddedDatabase } from './database.ts'

type Facts = { url: string; config: Config; embedded: EmbeddedDatabase | null; auth: AuthConfig }

/** Shows a newcomer where everything is, and how to send a first request. */
export async function welcome({ url: listens, config, embedded, auth }: Facts): Promise<string> {
  const url = config.publicUrl ?? listens
  const location =
    embedded === null ? `PostgreSQL at ${databaseLocation(config.databaseUrl as DatabaseUrl)}` : 'embedded PostgreSQL in .data/postgres'
  const lines = [
    '',
    'Taskspec is ready.',
    '',
    `  API       ${url}/v1`,
    `  Docs      ${url}/docs`,
    ...(url === listens ? [] : [`  Listens   ${listens}`]),
    `  Database  ${location}`,
    `  Key       ${keySource(config)}`,
  ]
  if (auth.secret === null) return [...lines, '', 'Get a token from your identity provider.', '', ''].join('\n')

  const token = await tokenFor('alice', auth)
  const curl = `curl ${url}/v1/users/me/tasks -H 'Authorization: Bearer ${token}' -H 'Content-Type: application/json' -d '{"title":"Water the plants"}'`
  return [
    ...lines,
    '  Token     for alice, valid for 7 days (for another user: npm run token -- bob)',
    '',
    token,
    '',
    'Create a task:',
    '',
    curl,
    '',
    'Press Ctrl-C to stop the server. Your data is kept.',
    '',
    '',
  ].join('\n')
}

function keySource({ auth }: Config): string {
  if (auth === null) return 'development key in .data/key'
  return [auth.jwksUrl, auth.secret && 'shared secret of AUTH_SECRET'].filter(Boolean).join(' and ')
}
