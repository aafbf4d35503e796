import { tokenFor } from '../auth/issue.ts'
import type { AuthConfig } from '../config/auth.ts'
import type { Config } from '../config/config.ts'
import type { EmbeddedDatabase } from './database.ts'

type Facts = { url: string; config: Config; embedded: EmbeddedDatabase | null; auth: AuthConfig }

/** What a newcomer wants to know when the server is up. */
export async function welcome({ url, config, embedded, auth }: Facts): Promise<string> {
  const database = embedded === null ? `PostgreSQL at ${place(config.databaseUrl as string)}` : 'embedded PostgreSQL in .data/postgres'
  const lines = [
    '',
    'Taskspec is ready.',
    '',
    `  API       ${url}/v1`,
    `  Docs      ${url}/docs`,
    `  Database  ${database}`,
    `  Key       ${key(config)}`,
  ]
  if (auth.secret === null) return [...lines, '', 'Get a token from your identity provider.', '', ''].join('\n')

  const token = await tokenFor('alice', auth)
  const curl = `curl ${url}/v1/users/me/tasks -H 'Authorization: Bearer ${token}' -H 'Content-Type: application/json' -d '{"title":"Water the plants"}'`
  return [
    ...lines,
    '  Token     for alice, for 7 days (another: npm run token -- bob)',
    '',
    token,
    '',
    'Create a task:',
    '',
    curl,
    '',
    'Ctrl-C stops the server; what you wrote stays.',
    '',
    '',
  ].join('\n')
}

function key({ auth }: Config): string {
  if (auth === null) return 'development key in .data/key'
  return [auth.jwksUrl, auth.secret && 'shared secret of AUTH_SECRET'].filter(Boolean).join(' and ')
}

function place(url: string): string {
  const { host, pathname } = new URL(url)
  return host + pathname
}
