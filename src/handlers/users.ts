import type { Handlers } from '../contract/types.ts'
import type { Database } from '../database/database.ts'
import { busyAccount } from '../domain/revision.ts'
import { createUsers } from '../domain/users.ts'
import { conditionalReply, matchRevisions, okReply, preconditionFailed, requireMatch } from '../resource/etag.ts'

const maxAttempts = 5

export function createUserHandlers(db: Database) {
  const users = createUsers(db)

  return {
    async getUser({ owner, claims, headers }) {
      return conditionalReply(await users.ensure(owner, claims), headers['if-none-match'])
    },

    async updateUser({ owner, claims, headers, body }) {
      const match = matchRevisions(headers['if-match'])
      const isEmpty = Object.keys(body).length === 0
      // No row is updated before the first contact, or if the account was erased or changed meanwhile.
      for (let attempt = 0; attempt < maxAttempts; attempt++) {
        const [changed] = isEmpty ? [] : await users.update(owner, match, body)
        if (changed !== undefined) return okReply(changed)
        const user = await users.ensure(owner, claims)
        requireMatch(match, user)
        if (isEmpty) return okReply(user)
      }
      throw busyAccount()
    },

    async deleteUser({ owner, headers }) {
      const erased = await users.erase(owner, matchRevisions(headers['if-match']))
      if (erased.length === 0 && headers['if-match'] !== undefined) throw preconditionFailed(await users.one(owner))
      return { status: 204 }
    },
  } satisfies Partial<Handlers>
}
