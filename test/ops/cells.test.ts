// src/ops/harouter.cells.cfg in front of two cells, with the programs and commands of src/ops/README.md.
import { randomUUID } from 'node:crypto'
import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, inject } from 'vitest'
import { forge, header } from '../support/authentication.ts'
import { needs } from '../support/checks.ts'
import { client } from '../support/client.ts'
import { eventually } from '../support/clock.ts'
import { poolerAndProxy } from '../support/programs.ts'
import { record } from '../support/record.ts'
import { auth, tokenOf } from '../support/taskspec.ts'
import { accountOf, type Cell, type Cells, found, ops, type Router, startRouter, test } from './cells.ts'
import { blocks } from './manual.ts'

const hasProxy = inject('programs').haproxy !== null
const withProxy = needs(hasProxy, poolerAndProxy)
const hasAll = hasProxy && found('psql') && found('curl')
const withAll = needs(hasAll, hasProxy ? "curl and psql, of PostgreSQL's client programs" : poolerAndProxy)

test('an account is in the cell of its prefix, and no other cell gets its requests', withProxy, async ({ cells, router }) => {
  const { one, two } = cells
  const users = await Promise.all([one, two, one, two, one, two].map(async cell => ({ cell, ...(await cells.user(cell, router.url)) })))
  const links: string[] = []
  for (const { send, cell, createTask, createCalendar, listTasks } of users) {
    await createTask({ body: { title: cell.name, dueDate: '2027-03-01' } })
    const { url } = (await createCalendar({ body: { name: 'Plans' } })).body
    links.push(url as string)
    // Needs no token, and goes by the link also with a token of another account.
    const tokens = [undefined, ...(await Promise.all(users.map(({ id }) => tokenOf(id))))]
    for (const token of tokens) expect((await client(router.url, token).send('GET', url as string)).body).toContain(`SUMMARY:${cell.name}`)
    expect((await listTasks()).body.items).toMatchObject([{ title: cell.name }])
    const [own, foreign] = [randomUUID(), randomUUID()]
    await send('GET', '/v1/users/me', { headers: { 'x-request-id': own } })
    expect((await send('GET', '/v1/users/someone-else', { headers: { 'x-request-id': foreign } })).status).toBe(403)
    for (const id of [own, foreign]) {
      expect([one, two].filter(each => requests(each).includes(id))).toEqual([cell])
      await eventually(() => expect(router.log()).toContainEqual(expect.objectContaining({ requestId: id, cell: cell.name })))
    }
  }
  for (const cell of [one, two]) expect(await idsIn(cell)).toEqual(users.flatMap(user => (user.cell === cell ? [user.id] : [])).sort())
  const log = JSON.stringify(router.log())
  for (const { id, account } of users) for (const secret of [id.slice(0, 8), account]) expect(log).not.toContain(secret)
  for (const link of links) for (const secret of link.slice('/v1/calendars/'.length).split('.', 2)) expect(log).not.toContain(secret)
})

test('the proxy reads the user id that the server verifies, or removes the token', withProxy, async ({ cells, router }) => {
  const claims = `"exp":${Math.ceil(Date.now() / 1000) + 3600},"iss":"${auth.issuers[0]}","aud":"${auth.audiences[0]}"`
  const status = async (authorization: string) =>
    (await client(router.url, undefined).send('GET', '/v1/users/me', { headers: { authorization } })).status
  const token = (payload: string) => `Bearer ${forge(header, payload)}`

  const readable = ['a', 'b', 'c', 'd'].flatMap(name => [
    token(`{"act":{"sub":"${name}-actor"},${claims},"sub":"${name}-nested"}`),
    token(`{${claims},"note":"\\"sub\\":\\"x\\" \\u00e9 \\u4e2d","sub" : "${name}-\\u0026 \\"quoted\\""}`),
    token(`{"sub":"${name}-\u{1f9ed} é|/%20",${claims}}`),
    token(`{"sub":"${name}-blanks",${claims}}`).replace('Bearer ', 'bearer   '),
    token(`{"sub":"${name}-${'x'.repeat(200)}","filler":"${'y'.repeat(20_000)}",${claims}}`),
  ])
  for (const each of readable) {
    const payload = JSON.parse(Buffer.from(each.split('.')[1] as string, 'base64url').toString())
    record('userIds', payload.sub)
    expect(await status(each), payload.sub).toBe(200)
    const cell = accountOf(payload.sub) < '8' ? cells.one : cells.two
    expect(await idsIn(cell)).toContain(payload.sub)
  }
  const both = [...(await idsIn(cells.one)), ...(await idsIn(cells.two))]
  expect(both).toHaveLength(readable.length)

  const unreadable = [
    token(`{"sub":"e\\u0301\\u00e9",${claims}}`),
    token(`{"sub":"Jos\\u00E9",${claims}}`),
    token(`{"sub":"\\"\\u00c3\\u00a9",${claims}}`),
    token(`{"sub":"a\\/b",${claims}}`),
    token(`{"su\\u0062":"ann",${claims}}`),
    `${token(`{"sub":"ann",${claims}}`)}, ${token(`{"sub":"bob",${claims}}`)}`,
  ]
  for (const each of unreadable) expect(await status(each), each).toBe(401)
  expect(await status('Basic YW5uOmFubg==')).toBe(401)
  expect([...(await idsIn(cells.one)), ...(await idsIn(cells.two))]).toEqual(both)
})

test('a cell that is down is unavailable for its own accounts only', withProxy, async ({ cells, router }) => {
  const { one, two } = cells
  const ann = await cells.user(one, router.url)
  const bob = await cells.user(two, router.url)
  const { body: calendar } = await bob.createCalendar({ body: { name: 'Plans' } })
  await two.stop()
  const { status, body } = await client(router.url, undefined).send('GET', calendar.url as string)
  expect([status, body]).toMatchObject([503, { instance: '/v1/calendars/***.ics' }])
  for (let i = 0; i < 5; i++) {
    await ann.createTask({ body: { title: 'in cell 1' } })
    await expectUnavailable(bob)
    expect((await client(router.url, undefined).send('GET', '/openapi.json')).status).toBe(200)
  }
  expect((await ann.listTasks()).body.items).toHaveLength(5)
})

test('an account moves as the manual says, while another one in its cell keeps working', withAll, async ({ cells, router }) => {
  const { one, two } = cells
  const ann = await cells.user(one, router.url)
  const bob = await cells.user(one, router.url)
  const { body: task, etag } = await ann.createTask({ body: { title: 'Pack for cell 2' } })
  await bob.createTask({ body: { title: 'Stay in cell 1' } })
  const commands = block('move-accounts.sh copy').trim().split('\n')
  const routes = commands.filter(command => command.startsWith('sh route.sh'))
  expect(routes).toHaveLength(2)

  // Other accounts write all the time.
  let moving = true
  const others = [bob, await cells.user(two, router.url)].map(async user => {
    let written = 0
    for (; moving; written++) await user.createTask({ body: { title: 'Written meanwhile' } })
    return written
  })
  const script = (lines: string[]) => inFolder(cells, router, ann.id, lines)
  const first = commands.indexOf(routes[0] as string) + 1
  await script(commands.slice(0, first))
  await expectUnavailable(ann)
  const { stdout } = await script([commands[0] as string, ...commands.slice(first)])
  expect(stdout).toBe(
    'TARGET has every row of SOURCE: 1 users 0 categories 1 tasks 0 calendars 0 webhooks 0 webhook_deliveries 0 idempotency_keys\n',
  )
  moving = false
  for (const written of await Promise.all(others)) expect(written).toBeGreaterThan(0)

  expect(await ann.getTask({ path: { taskId: task.id } })).toMatchObject({ body: task, etag })
  const { body: next } = await ann.createTask({ body: { title: 'in cell 2' } })
  expect(next.revision).toBe(task.revision + 1)
  expect(await two.sql`select from tasks where id = ${next.id}`).toHaveLength(1)
  expect(await readFile(router.env.MAP, 'utf8')).toContain(`${ann.account} cell-2\n`)

  await script([commands[0] as string, block('move-accounts.sh erase').trim()])
  expect(await idsIn(one)).toEqual([bob.id])
  expect((await ann.listTasks()).body.items).toHaveLength(2)
})

test('a wrong route is refused, and changes nothing', withAll, async ({ cells, router }) => {
  const map = await readFile(router.env.MAP, 'utf8')
  const route = (...words: string[]) => cells.run(router.env, 'sh', `${ops}route.sh`, ...words)
  await expect(route('3', 'cell-3')).rejects.toThrow('HAProxy has no backend cell-3')
  await expect(route('3', 'any')).rejects.toThrow('The cell must be cell-… or moving.')
  await expect(route('3 ', 'cell-2')).rejects.toThrow('The prefix must be lower case hexadecimal digits.')
  expect(await readFile(router.env.MAP, 'utf8')).toBe(map)
})

test(
  'an account without a line in the map, or with a cell that HAProxy lacks, is unavailable',
  withProxy,
  async ({ cells, onTestFinished }) => {
    const map = join(cells.directory, 'incomplete.map')
    await writeFile(map, [...'01234567'].map(digit => `${digit} cell-9\n`).join(''))
    const router = await startRouter(cells, map)
    onTestFinished(router.stop)
    for (const cell of [cells.one, cells.two]) {
      await expectUnavailable(await cells.user(cell, router.url))
      expect(await idsIn(cell)).toEqual([])
    }
  },
)

test('the longest prefix decides, at once and after a restart', withAll, async ({ cells, router, onTestFinished }) => {
  const { one, two } = cells
  const ann = await cells.user(one, router.url)
  const route = (length: number, cell: string) => cells.run(router.env, 'sh', `${ops}route.sh`, ann.account.slice(0, length), cell)
  const reached = async ({ url }: Router) => {
    const id = randomUUID()
    await client(url, await tokenOf(ann.id)).send('GET', '/v1/users/me', { headers: { 'x-request-id': id } })
    return [one, two].filter(cell => requests(cell).includes(id)).map(({ name }) => name)
  }
  expect(await reached(router)).toEqual(['cell-1'])
  await route(2, 'cell-2')
  expect(await reached(router)).toEqual(['cell-2'])
  await route(64, 'cell-1')
  expect(await reached(router)).toEqual(['cell-1'])
  await route(1, 'cell-2')
  expect(await reached(router)).toEqual(['cell-1'])
  await route(64, 'moving')
  expect(await reached(router)).toEqual([])

  const again = await startRouter(cells, router.env.MAP)
  onTestFinished(again.stop)
  expect(await reached(again)).toEqual([])
})

const requests = ({ log }: Cell) => log.flatMap(({ requestId }) => (typeof requestId === 'string' ? [requestId] : []))

const idsIn = async ({ sql }: Cell) => (await sql`select id from users`).map(({ id }) => id as string).sort()

async function expectUnavailable({ getUser }: Pick<ReturnType<typeof client>, 'getUser'>) {
  const { body, headers } = await getUser({}, 503)
  expect(body).toMatchObject({ type: '/problems/unavailable', status: 503, instance: '/v1/users/me' })
  expect(body.requestId).toBe(headers.get('x-request-id'))
  expect(headers.get('retry-after')).toBe('1')
}

/** The block of the manual with this command. */
function block(command: string): string {
  const [found] = blocks('Growing').filter(each => each.includes(command))
  if (found === undefined) throw new Error(`The manual has no ${command}`)
  return found
}

/** Runs lines of the manual, with the scripts in the folder. */
async function inFolder(cells: Cells, router: Router, id: string, lines: string[]) {
  for (const file of ['route.sh', 'move-accounts.sh']) await copyFile(ops + file, join(cells.directory, file))
  return cells.run({ ...router.env, USER_ID: id }, 'sh', '-e', '-c', lines.join('\n'))
}
