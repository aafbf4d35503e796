// The types of handlers follow from the spec. `tsc` checks this file.
import { expectTypeOf, test } from 'vitest'
import type { AnyHandlers, Call, Handlers, Reply, Stream } from '../../src/contract/types.ts'

test('a property with a default is always there, and one without may be absent', () => {
  expectTypeOf<Call<'createTask'>['body']['labels']>().toEqualTypeOf<string[]>()
  expectTypeOf<Call<'createTask'>['body']['dueDate']>().toEqualTypeOf<string | null>()
  expectTypeOf<Call<'updateTask'>['body']['labels']>().toEqualTypeOf<string[] | undefined>()
  expectTypeOf<Call<'listTasks'>['query']['limit']>().toEqualTypeOf<number>()
  expectTypeOf<Call<'listTasks'>['query']['cursor']>().toEqualTypeOf<string | undefined>()
})

test('an operation without a body has none', () => {
  expectTypeOf<Call<'getTask'>['body']>().toEqualTypeOf<undefined>()
})

test('a reply may be a stream unless it is JSON', () => {
  expectTypeOf<Stream>().toExtend<Reply<'getDocs'>['body']>()
  expectTypeOf<Stream>().not.toExtend<Extract<Reply<'getTask'>, { status: 200 }>['body']>()
})

test('the handlers of the spec are handlers of any document', () => {
  expectTypeOf<Handlers>().toExtend<AnyHandlers>()
})
