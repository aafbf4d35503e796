// An API of a few operations without a database, to try the HTTP layer with.
import type { AnyHandlers, AnyReply, Upload } from '../../src/contract/types.ts'
import type { Api } from '../../src/server.ts'

/** Nothing listens there: the small API sends no statement. */
export const noDatabase = 'postgres://nobody@127.0.0.1:1/none'

type Answers = {
  /** of GET /stream; a new body for each request */
  stream?: () => AnyReply
  /** of POST /upload, which takes CSV or calendars of 64 MiB at most */
  upload?: (body: Upload) => Promise<AnyReply>
}

const text = { schema: { type: 'string' } }
const ok = { 200: { description: 'A reply.' } }
const object = { type: 'object', additionalProperties: false, properties: { text: { type: 'string' } } }

export function smallApi({ stream, upload }: Answers): Api {
  const paths = {
    '/livez': { get: { operationId: 'getLiveness', 'x-never-shed': true, responses: ok } },
    '/stream': { get: { operationId: 'getStream', responses: ok } },
    '/upload': {
      post: {
        operationId: 'upload',
        requestBody: { 'x-max-bytes': 64 * 1024 * 1024, content: { 'text/csv': text, 'text/calendar': text } },
        responses: ok,
      },
    },
    '/small': {
      post: {
        operationId: 'postSmall',
        requestBody: { required: true, 'x-max-bytes': 100, content: { 'application/json': { schema: object }, 'text/csv': text } },
        responses: ok,
      },
    },
  }
  const handlers: AnyHandlers = {
    getLiveness: async () => ({ status: 200, body: 'alive' }),
    getStream: async () => stream?.() ?? { status: 200 },
    upload: async ({ body }: { body: Upload }) => upload?.(body) ?? { status: 200, body: await sizeOf(body) },
    postSmall: async ({ body }: { body: Upload | object }) => ({ status: 200, body: 'chunks' in body ? await sizeOf(body) : body }),
  }
  return { document: { openapi: '3.1.0', info: { title: 'small', version: '1.0.0' }, paths }, handlers: () => handlers }
}

/** The number of bytes. */
export async function sizeOf({ chunks }: Upload): Promise<number> {
  let size = 0
  for await (const chunk of chunks) size += chunk.length
  return size
}
