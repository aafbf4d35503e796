// Requests made from an operation's schemas: whole ones, and ones with something wrong at one place or another.
import fc from 'fast-check'
import { type Operation, type Parameter, resolved, type Schema } from '../support/spec.ts'
import { fitting, maybe, nearly, owned, ownedAs, text } from './values.ts'

export type Sample = {
  /** the end of the user's `sub` */
  sub: string
  method: string
  /** with `{userId}` in place of the id of the user, unless it says `me` or names another user */
  target: string
  headers: [name: string, value: string][]
  body: Uint8Array | undefined
}
type Pairs = [name: string, value: string][]
type Of = (schema: Schema) => fc.Arbitrary<unknown>

export function sample(operation: Operation): fc.Arbitrary<Sample> {
  const parameters = operation.parameters.filter(({ name }) => name !== 'userId')
  // The place of the error, if there is one: a parameter, the body, or its spelling.
  const places = [...parameters.map(({ name }) => name), ...(operation.requestBody === undefined ? [] : ['body']), 'query', 'form']
  return fc.oneof({ arbitrary: fc.constant(null), weight: 1 }, { arbitrary: fc.constantFrom(...places), weight: 2 }).chain(wrong => {
    const at = (place: string): Of => (place === wrong ? nearly : fitting)
    const of = (where: string) => parameters.filter(each => each.in === where)
    const odd = wrong === 'form'
    return fc
      .record({
        sub,
        userId: fc.constantFrom('me', '{userId}', ...(odd ? ['%6D%65', '%6de', 'somebody-else', '%zz'] : [])),
        path: fc.record(Object.fromEntries(of('path').map(each => [each.name, inPath(each, at(each.name))]))),
        query: fc
          .tuple(...of('query').map(each => inQuery(each, at(each.name), each.name === wrong)))
          .map(lists => agreed(lists.flat(), of('query'))),
        more: wrong === 'query' ? strange : fc.constant(''),
        headers: fc.tuple(...of('header').map(each => inHeader(each, at(each.name), each.name === wrong))).map(lists => lists.flat()),
        body: body(operation, at('body'), odd),
      })
      .map(({ sub, userId, path, query, more, headers, body }) => {
        const filled = operation.path.replaceAll(/\{(\w+)\}/g, (_, name) => (name === 'userId' ? userId : (path[name] as string)))
        const search = [...query.map(pair => pair.join('=')), ...(more === '' ? [] : [more])].join('&')
        const target = search === '' ? filled : `${filled}?${search}`
        return printed({ sub, method: operation.method, target, headers: [...headers, ...body.headers] as Pairs, body: body.body })
      })
  })
}

/** Shows the request as it goes over the wire. */
function printed(sample: Sample): Sample {
  const { sub, method, target, headers, body } = sample
  const lines = [`${method} ${target}`, ...headers.map(pair => pair.join(': ')), `(sub: …${JSON.stringify(sub)})`, '']
  const content = body === undefined ? 'no body' : JSON.stringify(new TextDecoder().decode(body))
  return Object.assign(sample, { [fc.toStringMethod]: () => [...lines, content].join('\n') })
}

// A subject may be any text without control characters.
const sub = fc.oneof(
  { arbitrary: fc.constant(''), weight: 2 },
  text.map(each => each.toWellFormed().replaceAll(/\p{Cc}/gu, '')),
)

const everyByte = (value: string) => [...Buffer.from(value)].map(byte => `%${byte.toString(16).padStart(2, '0')}`).join('')
const encodings = [encodeURIComponent, encodeURIComponent, everyByte, (value: string) => encodeURIComponent(value).replaceAll('%20', '+')]

/** The value as a part of a URL, which Node takes 16 KiB of at most. */
function encoded(value: unknown, encode: (value: string) => string): string {
  const written = typeof value === 'string' ? value : JSON.stringify(value)
  if (/^[\w-]{600,}$/.test(written)) return written.slice(0, 5000)
  return encode(written.slice(0, 600).toWellFormed())
}

function inPath(parameter: Parameter, of: Of): fc.Arbitrary<string> {
  const own = ownedAs.get(parameter.name)
  const value = own === undefined ? of(parameter.schema) : fc.oneof(fc.constant(own), of(parameter.schema))
  // An empty segment is another path. A plus means a space in a query, and a plus in a path.
  return fc.tuple(value, fc.constantFrom(...encodings.slice(0, 3))).map(([each, encode]) => encoded(each, encode) || '%20')
}

function inQuery(parameter: Parameter, of: Of, always: boolean): fc.Arbitrary<Pairs> {
  const schema = resolved(parameter.schema)
  const one = always ? fc.oneof(of(schema), spelled(schema, of)) : of(schema)
  const values = fc.tuple(one, fc.constantFrom(...encodings), fc.boolean()).map(([value, encode, again]) => {
    const list = Array.isArray(value) ? value : always && again && JSON.stringify(value).length < 100 ? [value, value] : [value]
    return list.slice(0, 60).map(each => [parameter.name, encoded(each, encode)] as [string, string])
  })
  return always ? values : maybe(values, [])
}

/** A cursor counts with its own sort only, so a made-up one is sent with that. */
function agreed(pairs: Pairs, parameters: Parameter[]): Pairs {
  if (!parameters.some(({ name }) => name === 'sort')) return pairs
  const [, cursor = ''] = pairs.find(([name]) => name === 'cursor') ?? []
  const sort = /^\["(-?\w+)[",]/.exec(Buffer.from(cursor, 'base64url').toString())?.[1]
  return sort === undefined ? pairs : [...pairs.filter(([name]) => name !== 'sort'), ['sort', sort]]
}

/** Numbers in several spellings, and made-up cursors. */
function spelled(schema: Schema, of: Of): fc.Arbitrary<unknown> {
  if (schema.type === 'integer')
    return fc.constantFrom('', '1e1', '0x10', '+5', ' 5', '5.0', '05', '-0', '1e400', '５', 'NaN', '5,6', 'null')
  if (schema.type !== 'string' || schema.maxLength !== 4096) return of(schema)
  const keys = fc.oneof(
    {
      arbitrary: fc.constantFrom(
        null,
        1,
        0.5,
        1e21,
        'now',
        'infinity',
        '2027-01-01',
        '2027-01-01 10:00',
        '0|2027-01-01',
        '\0',
        'high',
        [],
        {},
      ),
      weight: 4,
    },
    { arbitrary: text, weight: 1 },
  )
  const sorts = fc.constantFrom(
    'position',
    'sortKey',
    '-sortKey',
    'label',
    'deletedAt',
    'createdAt',
    '-createdAt',
    'dueDate,dueTime',
    '-dueDate,dueTime',
    'priority',
    'title',
    '-title',
    'relevance',
    'x',
  )
  const ids = fc.oneof(
    { arbitrary: fc.constant(owned.taskId), weight: 2 },
    fc.constantFrom([owned.taskId], null, 1, 'x', `{${owned.taskId}}`),
  )
  return fc.tuple(sorts, keys, ids).map(parts => Buffer.from(JSON.stringify(parts)).toString('base64url'))
}

const strange = fc.constantFrom(
  ...'& && = &=x unknown=1 % %zz=1 %ff=1 __proto__=1 constructor=x toString limit LIMIT=5 limit%00=1 limit[]=1 %6Cimit=5'.split(' '),
  ...'limit=5;sort=title a=b=c ? q=%ff q=%ED%A0%80 q=+ label=%FF%FE userId=x if-match=1'.split(' '),
)

const recased = [(name: string) => name.toLowerCase(), (name: string) => name.toUpperCase(), (name: string) => name, () => 'iF-mATCH']

function inHeader({ name, schema }: Parameter, of: Of, always: boolean): fc.Arbitrary<Pairs> {
  const tags = fc.constantFrom('"2"', '"3"', '"1"', '*', 'W/"3"', '"3", "2"', ' "3" ', '"99999999999999999999"', '"03"', '"a,b",, "3"')
  const noTags = fc.constantFrom('', '"', '3', ',', '"a,b", *', 'w/"3"', `"${'x'.repeat(998)}"`, `"${'x'.repeat(999)}"`)
  const usual = name === 'Idempotency-Key' ? fc.uuid() : tags
  const value = always ? fc.oneof(of(schema), usual, tags, noTags) : usual
  const pair = fc.tuple(fc.constantFrom(...recased), value).map(([recase, each]): [string, string] => {
    const recasedName = recase(name)
    // A header takes Latin-1 without control characters.
    const plain = (typeof each === 'string' ? each : (JSON.stringify(each) ?? ''))
      .replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '?')
      .slice(0, 2000)
    return [recasedName.toLowerCase() === name.toLowerCase() ? recasedName : name, plain]
  })
  const pairs = fc.array(pair, { minLength: 1, maxLength: always ? 2 : 1 })
  return always ? pairs : maybe(pairs, [])
}

type Body = { headers: Pairs; body: Uint8Array | undefined }

const chunked: Pairs[number] = ['Transfer-Encoding', 'chunked']

const goodTypes = [
  'Application/JSON',
  'application/json; charset=utf-8',
  'APPLICATION/JSON;CHARSET="UTF-8"',
  'application/json ; charset=utf-8',
  'application/json; version=1; profile="x;y"; charset=utf8',
]
const badTypes = [
  ...[
    'text/plain',
    'application/jsonx',
    'application/problem+json',
    'application/merge-patch+json',
    'application/json; charset=latin1',
    'application/json; charset',
  ],
  ...['', 'json', '*/*', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'],
]

function body(operation: Operation, of: Of, odd: boolean): fc.Arbitrary<Body> {
  const none = fc.constant<Body>({ headers: [], body: undefined })
  const schema = operation.requestBody?.content['application/json']?.schema
  if (schema === undefined && operation.requestBody !== undefined) return fc.constantFrom(...files(operation, odd))
  // Where no body is asked for, one is ignored.
  if (schema === undefined)
    return odd ? fc.constantFrom<Body>({ headers: [], body: Buffer.from('{') }, { headers: [chunked], body: Buffer.from('x') }) : none
  const json = of(schema).map(value => JSON.stringify(value) ?? '')
  const names = fc.constantFrom('Content-Type', 'content-type', 'CONTENT-TYPE')
  const plain = fc.tuple(json, names).map(([text, name]): Body => ({ headers: [[name, 'application/json']], body: Buffer.from(text) }))
  if (!odd) return plain

  const written = fc
    .tuple(fc.oneof(of(schema), nearly(schema)), fc.oneof(...spellings.map(each => fc.constant(each))))
    .map(([value, spell]) => ({
      headers: [['content-type', 'application/json']] as Pairs,
      body: spell(JSON.stringify(value) ?? ''),
    }))
  const typed = fc.tuple(json, fc.constantFrom(...goodTypes, ...badTypes)).map(
    ([text, type]): Body => ({
      headers: type === '' ? [] : [['content-type', type]],
      body: Buffer.from(text),
    }),
  )
  const packed = fc.tuple(plain, fc.constantFrom('gzip', 'br', 'identity')).map(
    ([{ headers, body }, coding]): Body => ({
      headers: [...headers, ['content-encoding', coding]],
      body,
    }),
  )
  return fc.oneof<fc.MaybeWeightedArbitrary<Body>[]>(
    { arbitrary: written, weight: 4 },
    { arbitrary: typed, weight: 2 },
    packed,
    plain.map(({ headers, body }): Body => ({ headers: [...headers, chunked], body })),
    none,
  )
}

/** The examples of an operation that takes files. */
function files({ requestBody }: Operation, odd: boolean): Body[] {
  const all = Object.entries(requestBody?.content ?? {}).flatMap(([type, { examples = {} }]) =>
    Object.values(examples).map(each => ({ type, body: Buffer.from(resolved(each).value as string) })),
  )
  const good = all.map(({ type, body }): Body => ({ headers: [['Content-Type', type]], body }))
  if (!odd) return good
  const typed = ['Text/CSV; charset=utf-8', 'text/csv; charset=latin1', 'text/plain', 'application/json', '']
  return [
    ...good.map(({ headers, body }): Body => ({ headers: [...headers, chunked], body })),
    ...typed.map((type): Body => ({ headers: type === '' ? [] : [['content-type', type]], body: Buffer.from('title\n') })),
    { headers: [], body: undefined },
  ]
}

/** Other ways to write a JSON text, and ways to break it. */
const spellings: ((json: string) => Uint8Array)[] = [
  json => Buffer.from(`\ufeff${json}`),
  json => Buffer.from(` \r\n\t${json}\n `),
  json => Buffer.from(json.replaceAll(/[a-z\u0080-\uffff]/g, each => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`)),
  json => Buffer.from(json.replace(/^\{("[^"]+":)/, '{$1null,$1')), // the last of two equal keys counts
  json => Buffer.from(json.replace(/\}$/, ',"title":"last","name":"last"}')),
  json => Buffer.from(json.slice(0, -1)),
  json => Buffer.from(`${json}x`),
  json => Buffer.from(json.replace(/\}$/, ',}')),
  json => Buffer.from(json.replaceAll('"', "'")),
  json => Buffer.from(`/**/${json}`),
  json => Buffer.from(json.replace(/:.*/s, ':NaN}')),
  json => Buffer.from(json, 'utf16le'),
  json => Buffer.concat([Buffer.from(json.slice(0, 5)), Buffer.from([0xff]), Buffer.from(json.slice(5))]),
  json => Buffer.concat([Buffer.from(json.slice(0, -1)), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}')]), // a surrogate as UTF-8
  json => Buffer.from(json.padEnd(2 ** 20)),
  json => Buffer.from(json.padEnd(2 ** 20 + 1)),
  json => Buffer.from('['.repeat(100_000) + json),
  json => Buffer.from('['.repeat(100_000) + json + ']'.repeat(100_000)),
]
