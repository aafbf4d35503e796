import type { Handlers } from '../contract/types.ts'
import type { Database } from '../database/database.ts'
import { busyAccount } from '../domain/revision.ts'
import { createUsers } from '../domain/users.ts'
import { allowedRevisions, isConditional, mustBeNew, okReply, preconditionFailed, readReply, requireAllowed } from '../resource/etag.ts'

const maxAttempts = 5

export function createUserHandlers(db: Database) {
  const users = createUsers(db)

  return {
    async getUser({ owner, claims, headers }) {
      return readReply(headers, await users.ensure(owner, claims))
    },

    async updateUser({ owner, claims, headers, body }) {
      const allowed = allowedRevisions(headers)
      const changesNothing = Object.keys(body).length === 0 || mustBeNew(headers)
      // No row is updated before the first contact, or if the account was erased or changed meanwhile.
      for (let attempt = 0; attempt < maxAttempts; attempt++) {
        const [changed] = changesNothing ? [] : await users.update(owner, allowed, body)
        if (changed !== undefined) return okReply(changed)
        const user = await users.ensure(owner, claims)
        requireAllowed(headers, user)
        if (changesNothing) return okReply(user)
      }
      throw busyAccount()
    },

    async deleteUser({ owner, headers }) {
      const erased = mustBeNew(headers) ? [] : await users.erase(owner, allowedRevisions(headers))
      if (erased.length === 0 && isConditional(headers)) {
        const current = await users.one(owner)
        // Without an account there is nothing to erase, and If-None-Match allows that.
        if (current.length > 0 || headers['if-match'] !== undefined) throw preconditionFailed(current)
      }
      return { status: 204 }
    },
  } satisfies Partial<Handlers>
}
