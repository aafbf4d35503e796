// The metrics, on a port of their own.
import { expect } from 'vitest'
import { versions } from '../../src/database/migrations.ts'
import { client } from '../support/client.ts'
import { createDatabase, start, test, tokenOf } from '../support/taskspec.ts'

test('count requests by operation and status, and show the state of process and database', async ({ service, onTestFinished }) => {
  const { url, metricsUrl, stop } = await start({ databaseUrl: service.databaseUrl, metricsPort: 0 })
  onTestFinished(stop)
  const ann = client(url, await tokenOf('ann'))
  for (let i = 0; i < 3; i++) await ann.listTasks()
  await ann.getTask({ path: { taskId: '019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12' } }, 404)
  await ann.send('GET', '/nowhere/secret')

  const response = await fetch(metricsUrl as string)
  expect(response.headers.get('content-type')).toContain('text/plain; version=0.0.4')
  const text = await response.text()
  for (const line of [
    'http_request_duration_seconds_count{operation="listTasks",status="200"} 3',
    'http_request_duration_seconds_count{operation="getTask",status="404"} 1',
    'http_request_duration_seconds_count{operation="none",status="404"} 1',
    'taskspec_database_connections_busy 0',
    'taskspec_database_waiting 0',
    'taskspec_database_connections_max 4',
    'taskspec_database_connections_lost_total 0',
    'taskspec_database_shared_refused_total 0',
    'taskspec_rows_purged_total 0',
    'taskspec_database_up 1',
    'taskspec_migrations_pending 0',
  ])
    expect(text.split('\n')).toContain(line)
  expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds [\d.e-]+$/m)
  expect(text).toMatch(/^taskspec_database_connections_opened_total [1-4]$/m)
  expect(text).not.toMatch(/secret|ann/)
})

test('show that the database is down, and that it lacks migrations', async ({ service, onTestFinished }) => {
  const at = async (change: { pathname: string } | { port: string }) => {
    const { href } = Object.assign(new URL(service.databaseUrl), change)
    const { metricsUrl, stop } = await start({ databaseUrl: href, metricsPort: 0 })
    onTestFinished(stop)
    const scrape = async () => (await (await fetch(metricsUrl as string)).text()).split('\n')
    await scrape()
    return scrape()
  }
  const database = await createDatabase('template0')
  onTestFinished(database.drop)
  const empty = await at({ pathname: new URL(database.url).pathname })
  expect(empty).toContain('taskspec_database_up 1')
  expect(empty).toContain(`taskspec_migrations_pending ${(await versions()).length}`)
  const away = await at({ port: '1' })
  expect(away).toContain('taskspec_database_up 0')
  expect(away).toContainEqual(expect.stringMatching(/^taskspec_database_connections_lost_total [1-9]\d*$/))
})

test('their port serves nothing else, and the port of the API serves no metrics', async ({ service, anonymous, onTestFinished }) => {
  const { metricsUrl, stop } = await start({ databaseUrl: service.databaseUrl, metricsPort: 0 })
  onTestFinished(stop)
  expect((await fetch(new URL('/v1/users/me', metricsUrl as string))).status).toBe(404)
  expect((await anonymous.send('GET', '/metrics')).status).toBe(404)
})
