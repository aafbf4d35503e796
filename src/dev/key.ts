import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AuthConfig } from '../config/auth.ts'
import { dataDirectory } from './database.ts'

/** Authentication by the development key. The key is created once under .data/, so that tokens stay valid after a restart. */
export async function developmentAuth(): Promise<AuthConfig> {
  const file = join(dataDirectory, 'key')
  await mkdir(dataDirectory, { recursive: true })
  // With the flag `wx` only one of several processes creates the file, and all of them read it.
  await writeFile(file, randomBytes(48).toString('base64url'), { mode: 0o600, flag: 'wx' }).catch(ignoreExisting)
  const secret = await readFile(file, 'utf8')
  const expected = { issuers: ['taskspec-development'], audiences: ['taskspec'], audienceClaim: 'aud' }
  return { jwksUrl: null, secret, algorithms: ['HS256'], ...expected }
}

function ignoreExisting(error: NodeJS.ErrnoException) {
  if (error.code !== 'EEXIST') throw error
}
