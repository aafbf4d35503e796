// Each error of jose is either the fault of the token or a bug of this server.
import { errors } from 'jose'
import { expect, test } from 'vitest'
import { refuse } from '../../src/auth/refusals.ts'
import { Problem, unavailable } from '../../src/contract/problem.ts'
import { cases } from '../support/checks.ts'

const faultOfTheToken = [
  'JOSEAlgNotAllowed',
  'JOSENotSupported',
  'JWKSNoMatchingKey',
  'JWSInvalid',
  'JWSSignatureVerificationFailed',
  'JWTClaimValidationFailed',
  'JWTExpired',
  'JWTInvalid',
]
// Nothing here decrypts, imports a key or fetches a set with jose during a verification, or leaves several keys open.
const impossible = [
  'JOSEError',
  'JWEDecryptionFailed',
  'JWEInvalid',
  'JWKInvalid',
  'JWKSInvalid',
  'JWKSMultipleMatchingKeys',
  'JWKSTimeout',
]

const thrown = (error: unknown) => {
  try {
    return refuse(error, [])
  } catch (problem) {
    return problem
  }
}

test('the table has every error of jose', () => {
  expect([...faultOfTheToken, ...impossible].sort()).toEqual(Object.keys(errors).sort())
})

test.for(cases(faultOfTheToken))('%s is 401 with a detail', name => {
  const error = new errors[name as 'JWTExpired']('x', {})
  expect(thrown(error)).toMatchObject({ kind: 'unauthenticated', message: expect.stringMatching(/^The token.*\.$/), cause: error })
})

test.for(cases(impossible))('%s is a bug', name => {
  const error = new errors[name as 'JWKInvalid']('x')
  expect(thrown(error)).toBe(error)
})

test('a problem and any other error stay as they are', () => {
  for (const error of [unavailable('x'), new Problem('internal'), new TypeError('x'), 'x']) expect(thrown(error)).toBe(error)
})
