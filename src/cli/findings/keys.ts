// The doctor's check of the keys that verify tokens.
import { fetchKeys, KeyServerError } from '../../auth/key-server.ts'
import { createKeySet } from '../../auth/key-set.ts'
import type { Config } from '../../config/config.ts'
import type { Finding } from './finding.ts'

/** Fetches the key set as the server does. */
export async function keysFinding({ auth }: Pick<Config, 'auth'>): Promise<Finding> {
  const subject = 'keys'
  if (auth === null) return { subject, state: 'development key' }
  if (auth.jwksUrl === null) return { subject, state: 'shared secret' }
  try {
    const { usable, unusable } = await createKeySet(await fetchKeys(auth.jwksUrl), auth.algorithms)
    const others = unusable.map(({ kid, reason }) => `; ${JSON.stringify(kid) ?? 'a key without kid'} ${reason}`)
    const state = `${usable} usable ${usable === 1 ? 'key' : 'keys'} at ${auth.jwksUrl}${others.join('')}`
    const remedy = 'No key can verify a token. Let the identity provider sign with one of AUTH_ALGORITHMS.'
    return { subject, state, ...(usable === 0 && { remedy }) }
  } catch (error) {
    if (!(error instanceof KeyServerError)) throw error
    return { subject, state: `${auth.jwksUrl} ${error.finding}`, remedy: error.remedy }
  }
}
