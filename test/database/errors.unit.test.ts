import { describe, expect, test } from 'vitest'
import { violates } from '../../src/database/errors.ts'

const constraint = 'tasks_due_time_needs_due_date'
const postgres = 'new row for relation "tasks" violates check constraint'
const citus = 'new row for relation "tasks_102034" violates check constraint'
const german = 'neue Zeile für Relation »tasks_102034« verletzt Check-Constraint'

const errorOf = (message: string, fields: object) => Object.assign(new Error(message), { severity: 'ERROR', ...fields })
const isViolated = (message: string, fields: object = {}) => violates(errorOf(message, { code: '23514', ...fields }), constraint)

describe('the violated constraint is recognised', () => {
  test.for([
    ['of PostgreSQL', `${postgres} "${constraint}"`, { constraint_name: constraint }],
    ['of PostgreSQL in another language', `neue Zeile für Relation »tasks« verletzt …`, { constraint_name: constraint }],
    ['of a shard, in a field', `${citus} "${constraint}_102034"`, { constraint_name: `${constraint}_102034` }],
    ['of a shard, in the message alone', `${citus} "${constraint}_102034"`, {}],
    ['of a shard, in the message in another language', `${german} »${constraint}_102034«`, {}],
    ['of a table that is not distributed, in the message alone', `${postgres} "${constraint}"`, {}],
    ['of a shard, with an empty field', `${citus} "${constraint}_102034"`, { constraint_name: '' }],
  ] as const)('%s', ([, message, fields]) => expect(isViolated(message, fields)).toBe(true))

  test('for a unique key and a foreign key', () => {
    const taken = errorOf('duplicate key value violates unique constraint "tasks_pkey_102034"', { code: '23505' })
    expect(violates(taken, 'tasks_pkey')).toBe(true)
    const text = 'insert or update on table "tasks_102034" violates foreign key constraint "tasks_category_fkey_102034"'
    expect(violates(errorOf(text, { code: '23503' }), 'tasks_category_fkey')).toBe(true)
  })
})

describe('another error is not mistaken for it', () => {
  test.for([
    ['a constraint whose longer name begins the same', `${citus} "${constraint}_or_zone_102034"`, {}],
    ['a constraint whose name ends the same', `${citus} "sub${constraint}_102034"`, {}],
    ['a name that goes on with another letter', `${german} »${constraint}ä«`, {}],
    ['a name that goes on with digits only', `${citus} "${constraint}2"`, {}],
    ['another constraint in the field', `${postgres} "${constraint}"`, { constraint_name: `${constraint}_or_zone` }],
    ['a shorter name', `${citus} "tasks_due_time_102034"`, {}],
    ['no name', 'null value in column "title" of relation "tasks" violates not-null constraint', { code: '23502' }],
    ['an error of another class', `constraint "${constraint}" for relation "tasks" already exists`, { code: '42710' }],
    ['an error without a code', `${postgres} "${constraint}"`, { code: undefined }],
    ['a value of a user in the detail', `${citus} "tasks_title_length_102034"`, { detail: `Failing row contains (${constraint}).` }],
  ] as const)('%s', ([, message, fields]) => expect(isViolated(message, fields)).toBe(false))

  test('what is no error', () => {
    for (const each of [undefined, null, constraint, { code: '23514', message: constraint, constraint_name: constraint }])
      expect(violates(each, constraint)).toBe(false)
  })
})
