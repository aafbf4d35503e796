import { expectSharing } from '../support/sharing.ts'
import { test } from '../support/taskspec.ts'

test('every read and every change of a resource is one statement for three owners', ({ service: { databaseUrl, sql } }) =>
  expectSharing(databaseUrl, sql))
