import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AuthConfig } from '../config/auth.ts'
import { data } from './database.ts'

/** The key of development: made once under .data/, so that tokens outlive a restart. */
export async function developmentAuth(): Promise<AuthConfig> {
  const file = join(data, 'key')
  await mkdir(data, { recursive: true })
  // With `wx` one of several first starts makes the key, and all read it.
  await writeFile(file, randomBytes(48).toString('base64url'), { mode: 0o600, flag: 'wx' }).catch(ifThere)
  const secret = await readFile(file, 'utf8')
  return { jwksUrl: null, secret, algorithms: ['HS256'], issuer: 'taskspec-development', audience: 'taskspec' }
}

function ifThere(error: NodeJS.ErrnoException) {
  if (error.code !== 'EEXIST') throw error
}
