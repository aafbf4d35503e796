// The workloads of the benchmarks as HTTP requests.
import { absent, common, rare } from './seed.ts'
import type { User } from './users.ts'

type Shared = 'list' | 'get' | 'create' | 'update' | 'mix' | 'filtered' | 'unchanged' | 'search'
export type Workload = Shared | 'complete' | 'move' | 'restore' | 'subtree' | 'summary' | 'batch' | 'hundred' | 'changes'
export type Request = { method: 'GET' | 'POST' | 'PATCH'; path: string; headers: Record<string, string>; body?: string }

type Definition = {
  /** the statuses that count as correct; any other makes the run fail */
  statuses: number[]
  writes: boolean
  /** whether only this server has the operation, or does more than another in it */
  ours?: boolean
  /** whether a connection repeats one request, because its body is large */
  large?: boolean
  /** The nth request of a user. */
  request: (user: User, n: number) => Request
}

// Of 20 requests 14 are lists, 3 gets, 2 creates and 1 is an update.
const mix = [
  ...'list list list get list list create list list list'.split(' '),
  ...'get list list update list list get list list create'.split(' '),
] as Workload[]

export const workloads: Record<Workload, Definition> = {
  list: { statuses: [200], writes: false, request: user => get(user, '?limit=20') },
  get: { statuses: [200], writes: false, request: (user, n) => get(user, `/${taskId(user, n)}`) },
  create: { statuses: [201], writes: true, request: (user, n) => send(user, 'POST', '', draft(user, n)) },
  update: { statuses: [200], writes: true, request: (user, n) => send(user, 'PATCH', `/${taskId(user, n)}`, patch(n)) },
  mix: {
    statuses: [200, 201],
    writes: true,
    request: (user, n) => workloads[mix[n % mix.length] as Workload].request(user, n),
  },
  // Lists with filters: by status and priority, by a frequent word, by a rare word.
  filtered: {
    statuses: [200],
    writes: false,
    request: (user, n) =>
      get(
        user,
        n % 2 === 0
          ? '?limit=20&completed=false&priority=medium&priority=high'
          : `?limit=20&completed=false&q=${n % 4 === 1 ? common : rare}`,
      ),
  },
  // Lists whose ETag is current: 304.
  unchanged: {
    statuses: [304],
    writes: false,
    request: user => get(user, '?limit=20', { 'If-None-Match': `"${user.revision}"` }),
  },
  // Searches for a frequent, a rare and an absent word.
  search: { statuses: [200], writes: false, request: (user, n) => get(user, `?limit=20&q=${[common, rare, absent][n % 3]}`) },
  // Completes tasks of a tree and reopens them. They are the oldest of the account, which `list` and `filtered` hardly show.
  complete: {
    statuses: [200],
    writes: true,
    ours: true,
    request: (user, n) => send(user, 'PATCH', `/${leafId(user, n)}`, { completed: turn(n) % 2 === 0 }),
  },
  // Moves a task to the place before the next of them. Reads the neighbours first.
  move: {
    statuses: [200],
    writes: true,
    ours: true,
    request: (user, n) => send(user, 'POST', `/${taskId(user, n)}/move`, { before: taskId(user, n + 1) }),
  },
  // Deletes a task of a tree and restores it, in one request: so the next one finds it.
  restore: {
    statuses: [200],
    writes: true,
    ours: true,
    request: (user, n) =>
      runBatch(user, [
        { operationId: 'deleteTask', path: { taskId: leafId(user, n) } },
        { operationId: 'restoreFromTrash', path: { itemId: leafId(user, n) } },
      ]),
  },
  subtree: { statuses: [200], writes: false, ours: true, request: user => get(user, `/${user.treeIds[0]}/tree`) },
  summary: { statuses: [200], writes: false, ours: true, request: user => ({ ...get(user, ''), path: '/v1/users/me/summary' }) },
  // 200 times what `create` does, in one request.
  batch: {
    statuses: [200],
    writes: true,
    ours: true,
    large: true,
    request: (user, n) => runBatch(user, drafts(user, n)),
  },
  hundred: { statuses: [200], writes: false, ours: true, request: user => get(user, '?limit=100') },
  // The first page of a snapshot, to compare with `hundred`.
  changes: {
    ...{ statuses: [200], writes: false, ours: true },
    request: user => ({ ...get(user, ''), path: '/v1/users/me/changes?limit=100' }),
  },
}

/**
 * The requests of each connection, to be repeated. Each user has one connection only, as in practice: two connections of one user
 * would wait for each other's row lock.
 */
export function requests(workload: Workload, users: User[], connections: number): Request[][] {
  return Array.from({ length: connections }, (_, connection) => {
    const own = users.filter((_, index) => index % connections === connection % users.length)
    const length = workloads[workload].large ? 1 : mix.length * Math.min(own.length, 5)
    // Each connection starts at another place in the mix.
    return Array.from({ length }, (_, n) => workloads[workload].request(own[n % own.length] as User, n + connection))
  })
}

/** Of ten tasks: how often they all had their turn before the nth request. */
const turn = (n: number) => Math.floor(n / 10)
/** A task of a tree with none below it. */
const leafId = ({ treeIds }: User, n: number) => treeIds[1 + (n % (treeIds.length - 1))]
const taskId = ({ taskIds }: User, n: number) => taskIds[n % taskIds.length]

/** A list with this query. */
export const list = (query: string) => (user: User) => get(user, query)

function get({ token }: User, rest: string, headers: Record<string, string> = {}): Request {
  return { method: 'GET', path: `/v1/users/me/tasks${rest}`, headers: { Authorization: `Bearer ${token}`, ...headers } }
}

function send({ token }: User, method: 'POST' | 'PATCH', rest: string, body: object): Request {
  return {
    method,
    path: `/v1/users/me/tasks${rest}`,
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  }
}

const runBatch = (user: User, operations: object[]): Request => ({ ...send(user, 'POST', '', { operations }), path: '/v1/users/me/batch' })

function draft({ categoryId }: User, n: number) {
  return {
    title: 'Book the ferry to Tallinn',
    description: 'Two adults and a bicycle; the evening ferry is cheaper.',
    priority: 'high',
    categoryId,
    dueDate: `2027-03-${10 + (n % 20)}`,
    dueTime: '18:30',
    timeZone: 'Europe/Helsinki',
    labels: ['travel', 'tickets'],
  }
}

const drafts = (user: User, n: number) =>
  Array.from({ length: 200 }, (_, index) => ({ operationId: 'createTask', body: draft(user, n + index) }))

// Changes no field that the workload `filtered` filters by.
const patch = (n: number) => ({ dueDate: `2027-04-${10 + (n % 20)}`, dueTime: '09:00' })

/** A request as bytes on the wire. */
export function raw({ method, path, headers, body = '' }: Request): string {
  const lines = Object.entries({ Host: 'bench', ...headers, ...(body !== '' && { 'Content-Length': Buffer.byteLength(body) }) })
  return `${method} ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`
}
