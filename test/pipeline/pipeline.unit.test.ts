// The pipeline without HTTP: parsed parts in, a reply or a problem out.
import { describe, expect, test } from 'vitest'
import { Problem } from '../../src/contract/problem.ts'
import type { AnyHandlers, AnyReply, Call, Upload } from '../../src/contract/types.ts'
import { createPipeline, type Operation, type Request } from '../../src/pipeline/pipeline.ts'

const bearer = [{ bearerAuth: [] }]
const userId = { name: 'userId', in: 'path', required: true, schema: { type: 'string' } }
const note = {
  type: 'object',
  additionalProperties: false,
  required: ['text'],
  properties: {
    text: { type: 'string', minLength: 1 },
    color: { type: 'string', default: 'blue' },
    old: { type: 'string', deprecated: true },
  },
}
Object.assign(note.properties.old, { 'x-deprecated-at': '2027-01-01', 'x-sunset-at': '2027-07-01' })
const document = {
  openapi: '3.1.0',
  info: { title: 'notes', version: '1.0.0' },
  security: bearer,
  paths: {
    '/users/{userId}/notes': {
      parameters: [userId],
      get: {
        operationId: 'listNotes',
        parameters: [
          { name: 'limit', in: 'query', schema: { type: 'integer', maximum: 10, default: 5 } },
          { name: 'If-Match', in: 'header', schema: { type: 'string', minLength: 2 } },
        ],
        responses: { 200: { description: 'Notes.', headers: { ETag: { schema: { type: 'string' } } } } },
      },
      post: {
        operationId: 'createNote',
        requestBody: { required: true, content: { 'application/json': { schema: note } } },
        responses: { 201: { description: 'A note.' } },
      },
      put: {
        operationId: 'importNotes',
        requestBody: { required: true, 'x-max-bytes': 5_000_000, content: { 'text/csv': { schema: { type: 'string' } } } },
        responses: { 204: { description: 'Done.' } },
      },
    },
    '/feeds/{feed}.txt': {
      parameters: [{ name: 'feed', in: 'path', required: true, 'x-secret': true, schema: { type: 'string' } }],
      get: { operationId: 'getFeed', security: [], 'x-rate-limit': 'address', responses: { 200: { description: 'A feed.' } } },
    },
    '/livez': { get: { operationId: 'getLiveness', security: [], 'x-never-shed': true, responses: { 200: { description: 'Alive.' } } } },
  },
}

const claims = { email: null, name: null }
const expiresAt = 4_102_444_800_000 // ms since the epoch
const handlers: AnyHandlers = {
  listNotes: async call => ({ status: 200, headers: { ETag: '"1"' }, body: call }),
  createNote: async call => ({ status: 201, body: call }),
  importNotes: async ({ body }: { body: Upload }) => {
    const parts: Uint8Array[] = []
    for await (const chunk of body.chunks) parts.push(chunk)
    return { status: 200, body: [body.type, Buffer.concat(parts).toString()] }
  },
  getFeed: async call => ({ status: 200, body: call }),
  getLiveness: async () => {
    throw new TypeError('oops')
  },
}

/** The operations over the document, with logs of the counts for rate limits and of the owners who may have changed something. */
async function pipeline() {
  const counts: string[] = []
  const changed: string[] = []
  const operations = await createPipeline({
    document,
    handlers,
    authenticate: async authorization => {
      if (authorization === undefined) throw new Problem('unauthenticated')
      return { id: authorization, claims, expiresAt }
    },
    rateLimit: async (budget, key) => {
      counts.push(`${budget} ${key}`)
      if (key === 'busy') throw new Problem('too-many-requests', { headers: { 'Retry-After': '60' } })
      return { RateLimit: budget }
    },
    changed: owner => changed.push(owner),
  })
  const of = (id: string) => operations.find(({ operationId }) => operationId === id) as Operation
  return { of, counts, changed, run: (id: string, request: Partial<Request> = {}) => of(id).run({ ...empty(), ...request }) }
}

const empty = (): Request => ({
  authorization: 'ann',
  address: () => '192.0.2.1',
  path: { userId: 'me' },
  query: {},
  headers: {},
  readBody: async () => ({ json: undefined }),
  describe: problem => problem.body('/', 'request-1'),
})

describe('an operation', () => {
  test('has the properties that its transport needs', async () => {
    const { of } = await pipeline()
    expect(of('listNotes')).toMatchObject({
      method: 'GET',
      path: '/users/{userId}/notes',
      vital: false,
      body: undefined,
      replyHeaders: ['ETag'],
    })
    expect([...of('listNotes').query]).toEqual([['limit', 'integer']])
    expect(of('createNote').body).toEqual({ types: ['application/json'], acceptHeader: 'Accept', maxBytes: 1024 * 1024 })
    expect(of('importNotes').body).toEqual({ types: ['text/csv'], acceptHeader: 'Accept', maxBytes: 5_000_000 })
    expect(of('getLiveness')).toMatchObject({ vital: true, shownPath: undefined })
    expect(of('getFeed')).toMatchObject({ path: '/feeds/{feed}.txt', shownPath: '/feeds/***.txt' })
  })

  test('needs its handler, a security that the pipeline knows, and an owner in its path if it needs a token', async () => {
    const options = { authenticate: async () => ({ id: 'ann', claims, expiresAt }), rateLimit: async () => ({}) }
    await expect(createPipeline({ ...options, document, handlers: {} })).rejects.toThrow('listNotes has no handler')
    const cookies = { ...document, security: [{ cookie: [] }] }
    await expect(createPipeline({ ...options, document: cookies, handlers })).rejects.toThrow('another security')
    const { '/livez': health } = document.paths
    const ownerless = { ...document, paths: { '/notes': { get: { ...health.get, security: bearer } } } }
    await expect(createPipeline({ ...options, document: ownerless, handlers })).rejects.toThrow(
      'getLiveness asks for a token and has no {userId}',
    )
    const { get } = document.paths['/feeds/{feed}.txt']
    const both = { ...document, paths: { '/notes/{userId}': { get: { ...get, security: bearer } } } }
    await expect(createPipeline({ ...options, document: both, handlers })).rejects.toThrow(
      'getFeed asks for a token and counts the address',
    )
  })
})

describe('a request', () => {
  test('reaches its handler with the caller, defaults and known headers, and gets the headers of its budget', async () => {
    const { run, counts } = await pipeline()
    const { headers, reply } = await run('listNotes', { headers: { 'if-match': ['"1"', '"2"'], cookie: 'x' } })
    expect(headers).toEqual({ RateLimit: 'reads' })
    expect(reply).toMatchObject({
      status: 200,
      headers: { ETag: '"1"' },
      body: {
        owner: 'ann',
        claims,
        expiresAt,
        path: { userId: 'me' },
        query: { limit: 5 },
        headers: { 'if-match': '"1", "2"' },
        body: undefined,
      },
    })
    expect(counts).toEqual(['reads ann'])
  })

  test('that may have changed something is told when it has succeeded', async () => {
    const { run, changed } = await pipeline()
    await run('createNote', { readBody: async () => ({ json: { text: '' } }) })
    await run('listNotes')
    await run('getFeed', { path: { feed: 'x' } })
    expect(changed).toEqual([])
    await run('createNote', { readBody: async () => ({ json: { text: 'a' } }) })
    expect(changed).toEqual(['ann'])
  })

  test('without a token counts the address where the contract says so, before it reaches its handler', async () => {
    const { run, counts } = await pipeline()
    const path = { feed: 'x' }
    const { headers, reply } = await run('getFeed', { path, authorization: 'busy' })
    expect([headers, reply]).toMatchObject([{ RateLimit: 'address' }, { body: { owner: undefined, path } }])
    const { problem } = await run('getFeed', { path, address: () => 'busy' })
    expect([problem?.kind, counts]).toEqual(['too-many-requests', ['address 192.0.2.1', 'address busy']])
  })

  test('has its JSON validated and completed', async () => {
    const { run, counts } = await pipeline()
    const { reply } = await run('createNote', { path: { userId: 'ann' }, readBody: async () => ({ json: { text: 'a' } }) })
    expect(reply).toMatchObject({ status: 201, body: { body: { text: 'a', color: 'blue' } } })
    expect(counts).toEqual(['writes ann'])
  })

  test('may execute and judge others for its caller, without a count', async () => {
    const { run, counts } = await pipeline()
    const { reply } = await run('listNotes')
    const { operations } = (reply as AnyReply).body as Call<never>
    const request = { owner: 'ann', claims, path: { userId: 'me' } }
    const created = await operations.execute('createNote' as never, { ...request, body: { text: 'a' } })
    expect(created).toMatchObject({ status: 201, body: { owner: 'ann', body: { text: 'a', color: 'blue' } } })
    expect(operations.judged('listNotes' as never, request)).toMatchObject({ owner: 'ann', query: { limit: 5 }, body: undefined })
    const errors = [{ pointer: '/text', location: 'body', code: 'minLength' }]
    await expect(operations.execute('createNote' as never, { ...request, body: { text: '' } })).rejects.toMatchObject({ errors })
    expect(() => operations.judged('createNote' as never, { ...request, body: { text: '' } })).toThrow(Problem)
    expect(counts).toEqual(['reads ann'])
  })

  test('has any other body read by the handler', async () => {
    const { run } = await pipeline()
    const chunks = (async function* () {
      yield Buffer.from('a,b\n')
      yield Buffer.from('1,2\n')
    })()
    const { reply } = await run('importNotes', { readBody: async () => ({ type: 'text/csv', chunks }) })
    expect(reply).toMatchObject({ body: ['text/csv', 'a,b\n1,2\n'] })
  })

  test('has a deprecated field announced on its reply, also on a problem', async () => {
    const { run } = await pipeline()
    const { headers } = await run('createNote', { readBody: async () => ({ json: { text: 'a', old: 'b' } }) })
    const expected = { RateLimit: 'writes', Deprecation: '@1798761600', Sunset: 'Thu, 01 Jul 2027 00:00:00 GMT' }
    expect(headers).toEqual(expected)
    const refused = await run('createNote', { readBody: async () => ({ json: { text: '', old: 'b' } }) })
    expect([refused.problem?.kind, refused.headers]).toEqual(['invalid-request', expected])
  })
})

describe('a problem', () => {
  const kinds = async (id: string, request: Partial<Request>) => {
    const { run, counts } = await pipeline()
    const { headers, problem } = await run(id, request)
    return { headers, kind: problem?.kind, detail: problem?.message, errors: problem?.errors, counts }
  }
  const neverRead = () => expect.fail('the body was read')

  test('of the token counts the address', async () => {
    const outcome = await kinds('createNote', { authorization: undefined, readBody: neverRead })
    expect(outcome).toMatchObject({ kind: 'unauthenticated', headers: { RateLimit: 'address' }, counts: ['address 192.0.2.1'] })
  })

  test('of the budget comes before that of the space, and both before the body is read', async () => {
    const path = { userId: 'bob' }
    expect(await kinds('createNote', { authorization: 'busy', path, readBody: neverRead })).toMatchObject({ kind: 'too-many-requests' })
    const outcome = await kinds('createNote', { path, readBody: neverRead })
    expect(outcome).toMatchObject({ kind: 'forbidden', headers: { RateLimit: 'writes' } })
  })

  test('of the body reader is the outcome', async () => {
    const readBody = async () => Promise.reject(new Problem('content-too-large'))
    expect(await kinds('createNote', { readBody })).toMatchObject({ kind: 'content-too-large', headers: { RateLimit: 'writes' } })
  })

  test('of the schema names every error', async () => {
    const { errors } = await kinds('createNote', { query: { x: '1' }, readBody: async () => ({ json: { text: '', y: 1 } }) })
    expect(errors?.map(({ location, pointer, code }) => [location, pointer, code])).toEqual([
      ['query', '/x', 'unknown'],
      ['body', '/y', 'unknown'],
      ['body', '/text', 'minLength'],
    ])
  })

  test.each(['createNote', 'importNotes'])('of a body that is missing is one of the schema: %s', async id => {
    expect(await kinds(id, {})).toMatchObject({ kind: 'invalid-request', errors: [{ pointer: '', location: 'body', code: 'required' }] })
  })

  test('of JSON where the operation takes none is one of the media type', async () => {
    expect(await kinds('importNotes', { readBody: async () => ({ json: {} }) })).toMatchObject({
      kind: 'unsupported-media-type',
      detail: 'Send the body uncompressed with Content-Type: text/csv.',
    })
  })

  test('of a handler that throws an error is internal, with the error as its cause', async () => {
    const { run } = await pipeline()
    const { problem } = await run('getLiveness', { authorization: undefined, path: {} })
    expect([problem?.kind, problem?.cause]).toEqual(['internal', new TypeError('oops')])
  })
})
