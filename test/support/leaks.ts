// What a log gives away. Judges lines by what they may say, and looks in what is left for what was sent.

export type Line = Record<string, unknown>
/** What must not be in a log: ids of people, what they wrote, passwords. */
export type Known = { people: string[]; contents: string[]; secrets: string[] }

const word = /^[A-Za-z]+$/
const text = (value: unknown) => typeof value === 'string'
const said = new Set([
  ...['request', 'refused', 'reply failed', 'stream cleanup failed', 'uncaught exception', 'listening', 'stopping', 'stopped'],
  ...['worker started', 'worker died', 'worker did not start', 'traces are lost', 'traces arrive again', 'overload'],
])
// Every field that a line may have, and what it may be.
const fields: Record<string, (value: unknown) => boolean> = {
  level: Number.isInteger,
  msg: value => said.has(String(value)),
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
  shed: value => Object.entries(value as object).every(([reason, count]) => word.test(reason) && Number.isInteger(count)),
  url: value => /^http:\/\/127\.0\.0\.1:\d+$/.test(String(value)),
  metrics: value => /^http:\/\/127\.0\.0\.1:\d+\/metrics$/.test(String(value)),
}
// What an error is told by. Only message and stack are free text, and a database error has neither.
const ofErrors: Record<string, (value: unknown) => boolean> = {
  name: value => word.test(String(value)),
  code: value => /^[A-Z0-9_]+$/.test(String(value)),
  routine: text,
  table: text,
  constraint: text,
  message: text,
  stack: text,
  cause: value => typeof value === 'object',
}
const shapes = [/\beyJ[\w-]{10,}/, /bearer\s/i, /authorization/i, /[^\s@"/]+@[^\s@"/]+\.[a-z]{2,}/i, /postgres(ql)?:\/\//]

/** What the line gives away, in words. */
export function leaks(line: Line, { people, contents, secrets }: Known): string[] {
  const all = JSON.stringify(line)
  const free = JSON.stringify([line.requestId, messages(line.error)])
  return [
    ...odd(line, fields),
    ...shapes.filter(shape => shape.test(all)).map(shape => `looks like ${shape}`),
    ...secrets.filter(secret => secret !== '' && all.includes(secret)).map(() => 'has a password'),
    ...[...people, ...contents].filter(each => each.length > 3 && says(free, each)).map(each => `says ${each}`),
  ]
}

function odd(line: object, allowed: typeof fields): string[] {
  return Object.entries(line).flatMap(([name, value]) => {
    if (value === undefined) return []
    if (allowed[name]?.(value) !== true) return [`has ${name}: ${JSON.stringify(value)}`]
    return name === 'error' || name === 'cause' ? odd(value as object, ofErrors) : []
  })
}

/** The free text of an error and its causes. */
function messages(error: unknown): unknown[] {
  if (typeof error !== 'object' || error === null) return []
  const { message, stack, cause } = error as Record<string, unknown>
  return [message, stack, ...messages(cause)]
}

function says(all: string, part: string): boolean {
  const quoted = JSON.stringify(part).slice(1, -1)
  if (!all.includes(quoted)) return false
  return new RegExp(`(?<!\\w)${quoted.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}(?!\\w)`).test(all)
}
