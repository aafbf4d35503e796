// Finds personal data and secrets in a log: unknown fields, suspicious patterns, and in free text the values that the tests sent.

export type Line = Record<string, unknown>
/** Values that a log must not contain: user ids, texts of users, passwords. */
export type Sensitive = { userIds: string[]; contents: string[]; secrets: string[] }

const word = /^[A-Za-z]+$/
const plainWord = /^[A-Za-z]{1,16}$/ // messages and names of the server are such words too, so one proves nothing
const text = (value: unknown) => typeof value === 'string'
// The messages that the server logs.
const logMessages = new Set([
  ...['request', 'refused', 'reply failed', 'stream cleanup failed', 'uncaught exception', 'listening', 'stopping', 'stopped'],
  ...['ignored', 'worker started', 'worker died', 'worker did not start', 'traces are lost', 'traces arrive again', 'overload'],
  ...['key server', 'purge failed', 'events failed', 'webhooks failed'],
])
// Every field that a line may have, with a check of its value.
const fields: Record<string, (value: unknown) => boolean> = {
  level: Number.isInteger,
  msg: value => logMessages.has(String(value)),
  traceId: value => /^[0-9a-f]{32}$/.test(String(value)),
  spanId: value => /^[0-9a-f]{16}$/.test(String(value)),
  requestId: value => /^[A-Za-z0-9._-]{1,128}$/.test(String(value)),
  method: value => /^[A-Z-]+$/.test(String(value)),
  operation: value => word.test(String(value)),
  status: Number.isInteger,
  outcome: value => value === undefined || ['aborted', 'failed'].includes(String(value)),
  code: value => value === null || /^[A-Z0-9_]+$|^\d+$/.test(String(value)),
  error: value => typeof value === 'object',
  signal: value => value === null || /^SIG[A-Z0-9]+$/.test(String(value)),
  worker: Number.isInteger,
  warning: value => /^DATABASE_URL has [\w ,.:=-]+$/.test(String(value)),
  shed: value => Object.entries(value as object).every(([reason, count]) => word.test(reason) && Number.isInteger(count)),
  note: value => /^Only this machine can connect\. /.test(String(value)),
  url: value => /^http:\/\/127\.0\.0\.1:\d+$/.test(String(value)),
  metrics: value => /^http:\/\/127\.0\.0\.1:\d+\/metrics$/.test(String(value)),
}
// The fields of an error. Only message and stack are free text, and a database error has neither.
const errorFields: Record<string, (value: unknown) => boolean> = {
  name: value => word.test(String(value)),
  code: value => /^[A-Z0-9_]+$/.test(String(value)),
  routine: text,
  table: text,
  constraint: text,
  message: text,
  stack: text,
  cause: value => typeof value === 'object',
}
const patterns = [/\beyJ[\w-]{10,}/, /bearer\s/i, /authorization/i, /[^\s@"/]+@[^\s@"/]+\.[a-z]{2,}/i, /postgres(ql)?:\/\//]

/** The leaks of the line, as sentences. */
export function leaks(line: Line, { userIds, contents, secrets }: Sensitive): string[] {
  const all = JSON.stringify(line)
  const free = JSON.stringify([line.requestId, ...freeTexts(line.error)].filter(each => each !== undefined))
  return [
    ...unexpected(line, fields),
    ...patterns.filter(pattern => pattern.test(all)).map(pattern => `looks like ${pattern}`),
    ...secrets.filter(secret => secret !== '' && all.includes(secret)).map(() => 'contains a password'),
    ...[...userIds, ...contents]
      .filter(each => each.length > 3 && !plainWord.test(each) && contains(free, each))
      .map(each => `contains ${each}`),
  ]
}

function unexpected(line: object, allowed: typeof fields): string[] {
  return Object.entries(line).flatMap(([name, value]) => {
    if (value === undefined) return []
    if (allowed[name]?.(value) !== true) return [`has ${name}: ${JSON.stringify(value)}`]
    return name === 'error' || name === 'cause' ? unexpected(value as object, errorFields) : []
  })
}

/** The free text of an error and its causes. */
function freeTexts(error: unknown): unknown[] {
  if (typeof error !== 'object' || error === null) return []
  const { message, stack, cause } = error as Record<string, unknown>
  return [message, stack, ...freeTexts(cause)]
}

function contains(all: string, part: string): boolean {
  if (part.length > all.length) return false // at once: some parts are large
  const quoted = JSON.stringify(part).slice(1, -1)
  if (!all.includes(quoted)) return false
  return new RegExp(`(?<!\\w)${quoted.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}(?!\\w)`).test(all)
}
