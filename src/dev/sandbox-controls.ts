// The operations of the sandbox itself: restore its data, move its clock, get a token. They are no part of the contract.
import { tokenFor } from '../auth/issue.ts'
import type { AuthConfig } from '../config/auth.ts'
import { invalid, Problem } from '../contract/problem.ts'
import type { AnyHandlers } from '../contract/types.ts'
import type { Api } from '../server.ts'
import type { Clock } from './sandbox-clock.ts'

// TypeScript 5 has no types of Temporal.
declare const Temporal: {
  Instant: {
    fromEpochMilliseconds: (ms: number) => {
      toZonedDateTimeISO: (zone: string) => { add: (duration: string) => { epochMilliseconds: number } }
    }
  }
}

type Parts = { clock: Clock; auth: AuthConfig; reset: () => Promise<void> }
type ClockMove = { advance?: string; at?: string }

const latest = Date.UTC(3000, 0) // dates of the API have four digits, and tasks need some years ahead

const clockMove = {
  type: 'object',
  additionalProperties: false,
  minProperties: 1,
  maxProperties: 1,
  properties: { advance: { type: 'string' }, at: { type: 'string', format: 'date-time' } },
}
const open = { security: [], responses: { default: { description: 'The reply' } } }
const paths = {
  '/sandbox/reset': { post: { operationId: 'resetSandbox', ...open } },
  '/sandbox/clock': {
    get: { operationId: 'getClock', ...open },
    post: { operationId: 'moveClock', requestBody: { required: true, content: { 'application/json': { schema: clockMove } } }, ...open },
  },
  '/sandbox/tokens/{name}': {
    get: {
      operationId: 'getToken',
      parameters: [{ name: 'name', in: 'path', required: true, schema: { type: 'string', maxLength: 200 } }],
      ...open,
    },
  },
}

/** The API, and beside it the operations of the sandbox, one after the other. */
export function withControls(api: Api, parts: Parts): Api {
  const controls = createControls(parts)
  return {
    ...api,
    document: { ...api.document, paths: { ...api.document.paths, ...paths } },
    handlers: (...args) => ({ ...api.handlers(...args), ...controls }),
  }
}

function createControls({ clock, auth, reset }: Parts): AnyHandlers {
  const inTurn = createTurns()
  function times() {
    const realNow = clock.realNow()
    return { now: new Date(realNow + clock.aheadMs()).toISOString(), realNow: new Date(realNow).toISOString() }
  }
  function move(body: ClockMove) {
    const now = clock.realNow() + clock.aheadMs()
    return clock.setAhead(clock.aheadMs() + target(body, now) - now)
  }
  return {
    async resetSandbox() {
      await inTurn(reset)
      return { status: 204 }
    },
    getClock: async () => ({ status: 200, body: times() }),
    async moveClock({ body }: { body: ClockMove }) {
      await inTurn(() => move(body))
      return { status: 200, body: times() }
    },
    getToken: async ({ path }: { path: { name: string } }) => ({ status: 200, body: { token: await tokenFor(path.name, auth) } }),
  }
}

/** The instant to which the clock shall be set. */
function target({ advance, at = '' }: ClockMove, now: number): number {
  const field = advance === undefined ? 'at' : 'advance'
  const instant = advance === undefined ? Date.parse(at) : after(now, advance)
  const refused = (code: keyof typeof messages) => invalid({ pointer: `/${field}`, location: 'body', code, message: messages[code] })
  if (Number.isNaN(instant)) throw refused('format')
  if (instant >= latest) throw refused('maximum')
  if (instant < now) throw new Problem('conflict', { detail: 'The clock only goes forward. POST /sandbox/reset restores time and data.' })
  return instant
}

const messages = { format: 'must be an ISO 8601 duration, such as P1D or PT90M, or an instant', maximum: 'must end before the year 3000' }

/** The instant after a duration of the UTC calendar. NaN if there is none. */
function after(now: number, duration: string): number {
  try {
    return Temporal.Instant.fromEpochMilliseconds(now).toZonedDateTimeISO('UTC').add(duration).epochMilliseconds
  } catch {
    return Number.NaN
  }
}

/** Does one work after the other. */
function createTurns() {
  let last = Promise.resolve()
  return (work: () => Promise<void>): Promise<void> => {
    last = last.then(work, work)
    return last
  }
}
