// How the mock differs from the server. The parity test sends one corpus of requests to both, and fails for a difference that is not
// here, and for one that it does not see. `npm run generate` writes the list into src/client/README.md.
export const mockDifferences = {
  state:
    'It stores nothing and replies with the examples of the contract, also in headers and problems. Every id exists, every cursor is valid, every name is free, and no condition on an `ETag` applies.',
  token: 'It checks that there is a token, but not which one. So no user id in a path is 403. It takes the scheme only as `Bearer`.',
  unknownParameters: 'It ignores unknown query parameters.',
  emptyParameters: 'It treats an empty query parameter as absent.',
  relevance: 'It accepts `sort=relevance` without `q`.',
  numbers: 'It accepts every number that JavaScript can parse, such as `0x10`.',
  rules: 'It checks the form of the rule of a `recurrence` only, not its parts.',
  timeZones: 'It does not check the names of time zones.',
  sortKeys: 'It checks a `sortKey` by its pattern only.',
  webhookUrls: 'It checks the `url` of a webhook by its pattern only: it accepts `http` and private addresses.',
  formats: 'It does not check the formats of text: it accepts lone surrogates, and invisible characters alone.',
  ids: 'It does not compare an `id` in a body with the path.',
  encoding: 'It accepts a query or a JSON body that is not valid UTF-8.',
  brokenJson: 'It never replies to a body that is not JSON.',
  bodies: 'It ignores charset, coding and size of a body, and reads every `+json` media type as JSON.',
  unexpectedBodies: 'It replies 422 to a body without a media type, and to a body for `GET` or `DELETE`.',
  headers: 'It replies 431 to headers above 16 KiB. The server accepts 64 KiB.',
  methods: 'It replies 405 to `HEAD`, and to `OPTIONS` without `Origin`. It replies 400 to an unknown method.',
  accept: 'It replies 406 if `Accept` excludes the type of the reply, and chooses by it among several types. The server ignores `Accept`.',
  paths: 'It replies 422 to a path with a slash at the end or an encoded letter.',
  origins: "CORS: it allows every origin. With `credentials: 'include'` its pages can't read headers such as `ETag`.",
} as const

export type MockDifference = keyof typeof mockDifferences

const start = '<!-- differences of the mock: written by npm run generate -->\n'
const end = '<!-- end -->'

/** The document with the list between its two marks. */
export function withMockDifferences(document: string): string {
  const [before, rest] = document.split(start) as [string, string | undefined]
  if (rest === undefined) throw new Error(`The document has no line ${start}`)
  const list = Object.values(mockDifferences).map(each => `- ${each}\n`)
  return `${before}${start}\n${list.join('')}\n${rest.slice(rest.indexOf(end))}`
}
