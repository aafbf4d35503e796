// The process, as an operator starts and stops it.
import { once } from 'node:events'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect } from 'vitest'
import { freePort } from '../src/dev/free-port.ts'
import { client } from './support/client.ts'
import { eventually } from './support/clock.ts'
import { collector } from './support/collector.ts'
import { linesOf, listening, run, started } from './support/process.ts'
import { inDevelopment } from './support/spec.ts'
import { test, tokenOf } from './support/taskspec.ts'

// Each test waits for processes of its own, so they run concurrently.
describe.concurrent('the process', () => {
  test('reports every error of its settings in one message, and exits with 1', async ({ onTestFinished }) => {
    const { ended, output } = run({ NODE_ENV: 'production', AUTH_AUDIENCE: '', PORT: 'x', LOG_LEVEL: 'loud' }, { atEnd: onTestFinished })
    expect(await ended).toBe(1)
    expect(output()).toBe(
      [
        'The environment is not valid:',
        '  - PORT must be a whole number from 0 to 65535',
        '  - LOG_LEVEL must be one of fatal, error, warn, info, debug, trace, silent',
        '  - AUTH_AUDIENCE must be set in production: it is the "aud" of the tokens',
        '  - DATABASE_URL must be set in production: the embedded database is for development',
        '',
        '',
      ].join('\n'),
    )
  })

  test('prints a token and a curl line in development, and never a password', async ({ service, onTestFinished }) => {
    const process = run({ DATABASE_URL: service.databaseUrl }, { atEnd: onTestFinished })
    const url = await listening(process)
    const token = /Bearer ([\w.-]+)/.exec(process.output())?.[1]
    const alice = client(url, token, inDevelopment)
    expect((await alice.createTask({ body: { title: 'a' } })).headers.get('location')).toContain('/v1/users/alice/tasks/')
    expect(process.output()).toContain(`${url}/docs`)
    expect(process.output()).not.toContain(new URL(service.databaseUrl).password)
    process.child.kill('SIGTERM')
    expect(await process.ended).toBe(0)
  })

  test('starts in development with several hosts of the database, and shows each without the password', async ({
    service,
    onTestFinished,
  }) => {
    const { username, password, host, pathname } = new URL(service.databaseUrl)
    const hosts = `${host},127.0.0.1:${await freePort()}`
    const process = run({ DATABASE_URL: `postgres://${username}:${password}@${hosts}${pathname}` }, { atEnd: onTestFinished })
    const url = await listening(process)
    await eventually(() => expect(process.output()).toContain(`  Database  PostgreSQL at ${hosts}${pathname}\n`))
    await client(url, undefined, inDevelopment).getReadiness()
    process.child.kill('SIGTERM')
    expect(await process.ended).toBe(0)
    expect(process.output()).not.toContain(password)
  })

  test('in production prints nothing but lines of JSON', async ({ service, onTestFinished }) => {
    const process = run({ DATABASE_URL: service.databaseUrl, NODE_ENV: 'production' }, { atEnd: onTestFinished })
    const url = await listening(process)
    await client(url, await tokenOf('ann')).listTasks()
    process.child.kill('SIGTERM')
    await process.ended
    const lines = process
      .output()
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    const messages = lines.map(({ msg }) => msg).filter(msg => msg !== 'webhooks failed') // a look may take too long on a busy machine
    expect(messages).toEqual(['listening', 'request', 'stopping', 'stopped'])
    expect(lines[0]).toMatchObject({ url, note: expect.stringContaining('HOST=0.0.0.0') })
  })

  test('at SIGTERM answers the requests in flight, accepts no connection, and exits with 0', async ({ service, onTestFinished }) => {
    const process = run({ DATABASE_URL: service.databaseUrl, NODE_ENV: 'production' }, { atEnd: onTestFinished })
    const url = new URL(await listening(process))
    const body = '{"title":"a"}'
    const token = await tokenOf('ann')
    const socket = connect(Number(url.port), url.hostname)
    let reply = ''
    socket.on('data', chunk => {
      reply += chunk
    })
    const head = ['POST /v1/users/me/tasks HTTP/1.1', 'Host: x', `Authorization: Bearer ${token}`, 'Content-Type: application/json']
    socket.write([...head, `Content-Length: ${body.length}`, 'Expect: 100-continue', '', ''].join('\r\n'))
    await once(socket, 'data') // the server has accepted the request and waits for its body
    process.child.kill('SIGTERM')
    await eventually(() => expect(process.output()).toContain('stopping'))
    await expect(fetch(url)).rejects.toThrow()
    const closed = once(socket, 'close')
    socket.write(body)
    await closed
    expect(reply).toContain('HTTP/1.1 201 Created')
    expect(reply).toContain('Connection: close')
    expect(await process.ended).toBe(0)
  })

  test('sends its traces to the configured endpoint, the last ones at shutdown', async ({ service, onTestFinished }) => {
    const { url: endpoint, spans, resources } = await collector({ atEnd: onTestFinished })
    const traced = { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_SERVICE_NAME: 'todo' }
    const process = run({ DATABASE_URL: service.databaseUrl, NODE_ENV: 'production', ...traced }, { atEnd: onTestFinished })
    await client(await listening(process), undefined).getLiveness()
    process.child.kill('SIGTERM')
    expect(await process.ended).toBe(0)
    expect(spans().map(({ name }) => name)).toEqual(['getLiveness'])
    expect(resources()).toMatchObject([{ 'service.name': 'todo' }])
  })

  test.for([
    ['an error', 'Promise.reject(new TypeError("oops"))', { name: 'TypeError', message: 'oops' }],
    ['an error thrown', 'setTimeout(() => { throw new TypeError("oops") })', { name: 'TypeError', message: 'oops' }],
    ['a text, which may be a secret', 'Promise.reject("a secret")', { name: 'string' }],
  ] as const)('logs an uncaught exception and exits with 1: %s', async ([, code, error], { service, onTestFinished }) => {
    const later = `data:text/javascript,process.on("SIGUSR2",()=>${code})`
    const process = run(
      { DATABASE_URL: service.databaseUrl, NODE_ENV: 'production' },
      { flags: ['--import', later], atEnd: onTestFinished },
    )
    await listening(process)
    process.child.kill('SIGUSR2')
    expect(await process.ended).toBe(1)
    const last = JSON.parse(process.output().trim().split('\n').at(-1) as string)
    expect(last).toMatchObject({ level: 60, msg: 'uncaught exception', error })
    expect(process.output()).not.toContain('a secret')
  })

  test.for([
    ['the port is in use', '127.0.0.1', /^listen EADDRINUSE: address already in use 127\.0\.0\.1:\d+\n$/],
    ['the machine does not have the address', '192.0.2.1', /^listen EADDRNOTAVAIL: address not available 192\.0\.2\.1:\d+\n$/],
  ] as const)('reports in one line that %s', async ([, HOST, expected], { service, onTestFinished }) => {
    const { ended, output } = run({ DATABASE_URL: service.databaseUrl, PORT: new URL(service.url).port, HOST }, { atEnd: onTestFinished })
    expect(await ended).toBe(1)
    expect(output()).toMatch(expected)
  })
})

describe.concurrent('workers', () => {
  const settings = { NODE_ENV: 'production', WEB_CONCURRENCY: '2', METRICS_PORT: '0' }

  test('share the requests and a page of metrics; one that dies is replaced while the others serve', async ({
    service,
    onTestFinished,
  }) => {
    const process = run({ ...settings, DATABASE_URL: `${service.databaseUrl}?pgbouncer=true` }, { atEnd: onTestFinished })
    const ready = () => linesOf(process).find(({ msg, metrics }) => msg === 'listening' && metrics !== undefined)
    await eventually(() => expect(ready()).toBeDefined())
    const { url, metrics } = ready() as { url: string; metrics: string }
    const warnings = linesOf(process).filter(({ level }) => level === 40)
    expect(warnings.map(({ warning }) => warning)).toEqual(['DATABASE_URL has parameters without effect here: pgbouncer.'])
    const ann = client(url, await tokenOf('workers'))
    await Promise.all(Array.from({ length: 20 }, () => ann.listTasks()))
    expect(await (await fetch(metrics)).text()).toContain('http_request_duration_seconds_count{operation="listTasks",status="200"} 20')

    const [first] = started(process) as [number]
    globalThis.process.kill(first, 'SIGKILL')
    await eventually(() => expect(linesOf(process)).toContainEqual(expect.objectContaining({ msg: 'worker died', worker: first })))
    await ann.listTasks()
    await eventually(() => expect(started(process)).toHaveLength(3))
    const page = (await (await fetch(metrics)).text()).split('\n')
    for (const line of [
      'taskspec_workers_died_total 1',
      'taskspec_database_up 1',
      'taskspec_migrations_pending 0',
      'taskspec_database_connections_max 20',
    ])
      expect(page).toContain(line)
    expect(page.filter(line => line.startsWith('process_start_time_seconds '))).toHaveLength(1)

    process.child.kill('SIGTERM')
    expect(await process.ended).toBe(0)
    expect(linesOf(process).filter(({ msg }) => msg === 'stopped')).toHaveLength(3)
  })

  test('that can not start end the process with 1', async ({ service, onTestFinished }) => {
    const { ended, output } = run(
      { ...settings, DATABASE_URL: service.databaseUrl, PORT: new URL(service.url).port },
      { atEnd: onTestFinished },
    )
    expect(await ended).toBe(1)
    expect(output()).toContain('EADDRINUSE')
  })
})

test('runs from a folder with #, ?, % and a space in its name', async ({ service, onTestFinished }) => {
  const parent = await mkdtemp(join(tmpdir(), 'taskspec-test-'))
  onTestFinished(() => rm(parent, { recursive: true }))
  const project = join(parent, 'a #b?c %41 d')
  await symlink(fileURLToPath(new URL('..', import.meta.url)), project)
  const flags = ['--preserve-symlinks', '--preserve-symlinks-main']
  const process = run(
    { DATABASE_URL: service.databaseUrl, NODE_ENV: 'production' },
    { flags, program: join(project, 'src/main.ts'), atEnd: onTestFinished },
  )
  const anonymous = client(await listening(process), undefined)
  await anonymous.getReadiness() // reads the names of the migrations
  await anonymous.getDocs()
  for (const asset of ['docs.js', 'swagger-ui.css']) await anonymous.getDocsAsset({ path: { asset } })
})
