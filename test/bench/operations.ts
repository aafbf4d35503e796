// What is asked: the operations of the benchmark as HTTP requests.
import type { Person } from './people.ts'
import { common, rare } from './seed.ts'

export type Operation = 'A' | 'B' | 'C' | 'D' | 'E' | 'F' | 'G'
export type Request = { method: 'GET' | 'POST' | 'PATCH'; path: string; headers: Record<string, string>; body?: string }

type Kind = {
  title: string
  /** what a server must answer; anything else makes the run fail */
  statuses: number[]
  writes: boolean
  /** The nth request of a person. */
  request: (person: Person, n: number) => Request
}

const mix = [...'AAABAACAAABAADAABAAC'] as Operation[] // 70/15/10/5

export const operations: Record<Operation, Kind> = {
  A: { title: 'list', statuses: [200], writes: false, request: person => get(person, '?limit=20') },
  B: { title: 'get', statuses: [200], writes: false, request: (person, n) => get(person, `/${task(person, n)}`) },
  C: { title: 'create', statuses: [201], writes: true, request: (person, n) => send(person, 'POST', '', draft(person, n)) },
  D: { title: 'patch', statuses: [200], writes: true, request: (person, n) => send(person, 'PATCH', `/${task(person, n)}`, change(n)) },
  E: {
    title: 'mix',
    statuses: [200, 201],
    writes: true,
    request: (person, n) => operations[mix[n % mix.length] as Operation].request(person, n),
  },
  F: {
    title: 'filter, search',
    statuses: [200],
    writes: false,
    request: (person, n) =>
      get(
        person,
        n % 2 === 0
          ? '?limit=20&completed=false&priority=medium&priority=high'
          : `?limit=20&completed=false&q=${n % 4 === 1 ? common : rare}`,
      ),
  },
  G: {
    title: '304',
    statuses: [304],
    writes: false,
    request: person => get(person, '?limit=20', { 'If-None-Match': `"${person.revision}"` }),
  },
}

/**
 * The requests of each connection, to be repeated. Every person is on one connection only, as a person mostly is: two connections
 * of one person would wait for each other's writes.
 */
export function requests(operation: Operation, people: Person[], connections: number): Request[][] {
  return Array.from({ length: connections }, (_, connection) => {
    const own = people.filter((_, index) => index % connections === connection % people.length)
    const length = mix.length * Math.min(own.length, 5)
    // Each connection begins elsewhere in the mix.
    return Array.from({ length }, (_, n) => operations[operation].request(own[n % own.length] as Person, n + connection))
  })
}

const task = ({ taskIds }: Person, n: number) => taskIds[n % taskIds.length]

function get({ token }: Person, rest: string, headers: Record<string, string> = {}): Request {
  return { method: 'GET', path: `/v1/users/me/tasks${rest}`, headers: { Authorization: `Bearer ${token}`, ...headers } }
}

function send({ token }: Person, method: 'POST' | 'PATCH', rest: string, body: object): Request {
  return {
    method,
    path: `/v1/users/me/tasks${rest}`,
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  }
}

function draft({ categoryId }: Person, n: number) {
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

// Nothing that F filters by.
const change = (n: number) => ({ dueDate: `2027-04-${10 + (n % 20)}`, dueTime: '09:00' })

/** A request as it goes over the wire. */
export function raw({ method, path, headers, body = '' }: Request): string {
  const lines = Object.entries({ Host: 'bench', ...headers, ...(body !== '' && { 'Content-Length': Buffer.byteLength(body) }) })
  return `${method} ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`
}
