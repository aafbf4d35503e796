// The keys of a key set: which of them can verify tokens, and why the others can't.
import { type CryptoKey, createLocalJWKSet, errors, type JWK, type JWTHeaderParameters } from 'jose'

/** A key that verifies nothing. `algorithms` are those that it is meant for; none where it has another purpose. */
export type UnusableKey = { kid: unknown; algorithms: readonly string[]; reason: string }
export type KeySet = {
  usable: number
  unusable: readonly UnusableKey[]
  /** Throws JWKSMultipleMatchingKeys, JWKSNoMatchingKey or KeyUnusable. */
  find: (header: JWTHeaderParameters) => Promise<CryptoKey>
}

/** The token names a key of the set, and this key can never verify a token. */
export class KeyUnusable extends errors.JOSEError {
  static override code = 'ERR_KEY_UNUSABLE'
  override code = KeyUnusable.code
  readonly reason: string

  constructor({ kid, reason }: UnusableKey) {
    super(`The key ${JSON.stringify(kid) ?? 'without kid'} of the key server can't be used: it ${reason}`)
    this.reason = reason
  }
}

/** `EdDSA` and `Ed25519` name the same signature of an Ed25519 key (RFC 9864), so a setting of one accepts both. */
export function withSynonyms(algorithms: readonly string[]): string[] {
  const names = ['EdDSA', 'Ed25519']
  return algorithms.some(each => names.includes(each)) ? [...new Set([...algorithms, ...names])] : [...algorithms]
}

/** Examines each key by itself, so that no key decides about another one. */
export async function createKeySet(keys: readonly unknown[], algorithms: readonly string[]): Promise<KeySet> {
  const usable: JWK[] = []
  const unusable: UnusableKey[] = []
  for (const key of keys) {
    const jwk = normalized(key)
    const fault = await examine(jwk, algorithms)
    if (fault === null) usable.push(jwk as JWK)
    else unusable.push(fault)
  }
  const find = createLocalJWKSet({ keys: usable })
  return {
    usable: usable.length,
    unusable,
    async find(header) {
      try {
        return await find(header)
      } catch (error) {
        const named = ({ kid, algorithms }: UnusableKey) => algorithms.includes(header.alg) && (header.kid ?? kid) === kid
        const fault = error instanceof errors.JWKSNoMatchingKey ? unusable.find(named) : undefined
        throw fault === undefined ? error : new KeyUnusable(fault)
      }
    },
  }
}

/**
 * Without what would exclude tokens that the key can verify: one of two names of its algorithm, uses besides `verify`, and members
 * without a value, which some serializers write.
 */
function normalized(key: unknown): unknown {
  if (!isObject(key)) return key
  const jwk: JWK = Object.fromEntries(Object.entries(key).filter(([, value]) => !isEmpty(value)))
  const { kty, crv, alg, key_ops } = jwk
  const hasTwoNames = kty === 'OKP' && crv === 'Ed25519' && (alg === 'EdDSA' || alg === 'Ed25519')
  const verifies = Array.isArray(key_ops) && key_ops.includes('verify')
  return { ...jwk, ...(hasTwoNames && { alg: undefined }), ...(verifies && { key_ops: ['verify'] }) }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value)

const isEmpty = (value: unknown) => value === null || (Array.isArray(value) && value.length === 0)

/** null for a key that verifies tokens of at least one algorithm. */
async function examine(jwk: unknown, algorithms: readonly string[]): Promise<UnusableKey | null> {
  if (!isObject(jwk)) return { kid: undefined, algorithms: [], reason: 'is no JSON object' }
  const find = createLocalJWKSet({ keys: [jwk as JWK] })
  const chosen: string[] = []
  let reason = 'is not for a signature that is accepted here'
  for (const alg of algorithms)
    try {
      const { algorithm } = await find({ alg })
      if (!('modulusLength' in algorithm) || (algorithm.modulusLength as number) >= minRsaBits) return null
      reason = `is an RSA key of less than ${minRsaBits} bits`
      chosen.push(alg)
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JOSENotSupported) continue
      reason = error instanceof errors.JWKSInvalid ? 'is a private key' : 'is malformed'
      chosen.push(alg)
    }
  return { kid: (jwk as JWK).kid, algorithms: chosen, reason }
}

const minRsaBits = 2048 // RFC 7518, section 3.3
