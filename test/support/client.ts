// A typed client for one user. It checks every reply against the spec, and records it for the verdict.
import { expect } from 'vitest'
import type { components, operations as Operations } from '../../generated/api.ts'
import type { OperationId } from '../../src/contract/types.ts'
import { createPaths } from '../../src/http/paths.ts'
import { textOf } from './events.ts'
import { record } from './record.ts'
import { type Answer, document, early, faults, type Operation, operations, requiredHeaders, type Schema, violations } from './spec.ts'

export type Problem = components['schemas']['Problem']

type Responses<Op extends OperationId> = Operations[Op]['responses']
type Status<Op extends OperationId> = keyof Responses<Op> & number
type Success<Op extends OperationId> = Extract<Status<Op>, 200 | 201 | 204>
type Body<Response> = Response extends { content: infer Media } ? Media[keyof Media] : undefined
type Part<Op extends OperationId, In extends 'path' | 'query' | 'header'> = NonNullable<Operations[Op]['parameters'][In]>
type RequestBody<Op extends OperationId> = Operations[Op] extends { requestBody: { content: { 'application/json': infer Json } } }
  ? Json
  : Operations[Op] extends { requestBody: object }
    ? string
    : undefined

export type Input<Op extends OperationId> = {
  path?: Partial<Part<Op, 'path'>>
  query?: Part<Op, 'query'>
  headers?: Part<Op, 'header'>
  body?: RequestBody<Op>
  /** the media type of a body that is not JSON */
  type?: string
}
export type Reply<Op extends OperationId, S extends Status<Op>> = {
  status: S
  headers: Headers
  body: Body<Responses<Op>[S]>
  etag: string
}

/** A function for each operation: sends the input and expects the status, by default a success. `userId` is `me` by default. */
export type Client = {
  [Op in OperationId]: <S extends Status<Op> = Success<Op>>(input?: Input<Op>, status?: S) => Promise<Reply<Op, S>>
} & {
  /** Sends any request, and checks the reply against the spec if the path is declared. */
  send: (
    method: string,
    path: string,
    init?: { headers?: Record<string, string>; body?: string | Uint8Array | ReadableStream },
  ) => Promise<Answer>
}

const byPath = createPaths(Object.entries(Object.groupBy(operations, each => each.path)) as [string, Operation[]][])

const secrets = /\/v1\/calendars\/([\w-]+\.[\w-]{43})\.ics|(whsec_[\w+/]{43}=)/g // of links and webhooks

/**
 * `proxyHeaders`: headers that a proxy before the server adds. They are removed before the check. A server of an earlier release `isOlder`:
 * its replies lack what the spec has got since, so they are not checked.
 */
export function client(url: string, token: string | undefined, proxyHeaders: string[] = [], isOlder = false): Client {
  async function send(
    method: string,
    path: string,
    { headers = {}, body }: { headers?: Record<string, string>; body?: string | Uint8Array | ReadableStream } = {},
  ) {
    const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const response = await fetch(url + path, {
      method,
      headers: { ...authorization, ...headers },
      ...(body !== undefined && { body: body as string, duplex: 'half' }),
    })
    const text = await textOf(response)
    for (const [, token, secret] of `${path}\n${text}`.matchAll(secrets)) record('secrets', token ?? secret)
    const received = new Headers(response.headers)
    for (const name of proxyHeaders) received.delete(name)
    const json = text !== '' && /[/+]json/.test(response.headers.get('content-type') ?? '')
    const answer = { status: response.status, headers: received, body: json ? JSON.parse(text) : text === '' ? undefined : text }
    const operation = byPath(path.split('?', 1)[0] as string)?.value.find(each => each.method === (method === 'HEAD' ? 'GET' : method))
    if (method !== 'HEAD' && !isOlder) checkReply(operation, answer)
    return answer
  }

  const calls = operations.map(operation => [
    operation.operationId,
    async (
      { path = {}, query = {}, headers = {}, body, type }: Input<OperationId> & { path?: object; query?: object; body?: unknown } = {},
      status?: number,
    ) => {
      const target = operation.path.replaceAll(/\{(\w+)\}/g, (_, name) =>
        encodeURIComponent({ userId: 'me', ...path }[name as 'userId'] ?? ''),
      )
      // A value that the contract lists is no text of a user.
      const own = Object.entries(query).filter(
        ([each]) => operation.parameters.find(({ name }) => name === each)?.schema?.enum === undefined,
      )
      const content = typeof body === 'string' ? phrasesIn(body) : stringsIn(body)
      for (const text of [...stringsIn(Object.fromEntries(own)), ...content]) record('contents', text)
      const search = new URLSearchParams(Object.entries(query).flatMap(([name, value]) => [value].flat().map(each => [name, String(each)])))
      const text = type === undefined ? JSON.stringify(body) : (body as unknown as string)
      const sent = body === undefined ? {} : { body: text, headers: { ...headers, 'content-type': type ?? 'application/json' } }
      const answer = await send(operation.method, `${target}${search.size > 0 ? `?${search}` : ''}`, { headers, ...sent })
      const expected = status === undefined ? [200, 201, 204] : [status]
      expect(expected, `${operation.operationId} answered ${JSON.stringify(answer.body)}`).toContain(answer.status)
      return { ...answer, etag: answer.headers.get('etag') ?? '' }
    },
  ])
  return { ...Object.fromEntries(calls), send }
}

/** Every string in the value. */
function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsIn) : []
}

/** The texts of several words in a file of any form. */
function phrasesIn(file: string): string[] {
  return file
    .slice(0, 100_000)
    .split(/[\r\n,:;"\\]+/)
    .filter(text => /\S \S/.test(text))
}

function checkReply(operation: Operation | undefined, answer: Answer) {
  if (operation === undefined) return checkEarlyReply(answer)
  record('replies', { operationId: operation.operationId, status: answer.status })
  expect(violations(operation, answer)).toEqual([])
  expect(requiredHeaders.filter(name => !answer.headers.has(name))).toEqual([])
}

/** Checks a problem of a request whose operation is not known, and records it if any request can get it. */
export function checkEarlyReply(answer: Answer) {
  expect(faults(document.components.schemas.Problem as Schema, answer.body)).toEqual([])
  if (!early.types.includes((answer.body as Problem).type)) return
  record('replies', { operationId: early.operationId, status: answer.status })
  expect(violations(early, answer)).toEqual([])
}
