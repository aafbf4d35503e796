// The time of each step of a request, for developers.
import { expect } from 'vitest'
import { client } from '../support/client.ts'
import { inDevelopment } from '../support/spec.ts'
import { start, test, tokenOf } from '../support/taskspec.ts'

/** Milliseconds by name. */
function timing(headers: Headers): Record<string, number> {
  const entries = headers.get('server-timing')?.split(', ') ?? []
  return Object.fromEntries(entries.map(entry => [entry.split(';')[0], Number(/;dur=(\d+\.\d\d)(;|$)/.exec(entry)?.[1])]))
}

test('in development every reply has Server-Timing with its steps', async ({ service, onTestFinished }) => {
  const { url, stop } = await start({ databaseUrl: service.databaseUrl, timing: true })
  onTestFinished(stop)
  const ann = client(url, await tokenOf('ann'), inDevelopment)
  const { headers } = await fetch(`${url}/v1/users/me/tasks`, { headers: { authorization: `Bearer ${await tokenOf('ann')}` } })
  expect(headers.get('timing-allow-origin')).toBe('*')
  expect(headers.get('server-timing')).toMatch(/;desc="statements: \d+"$/)
  const { total, auth, validation, db, ...others } = timing(headers) as Record<string, number>
  expect(others).toEqual({})
  for (const part of [auth, validation, db]) {
    expect(part).toBeGreaterThanOrEqual(0)
    expect(part).toBeLessThanOrEqual(total as number)
  }

  const stepsOf = async (path: string, token?: string) => {
    const answer = await fetch(url + path, { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } })
    return [answer.status, Object.keys(timing(answer.headers))]
  }
  expect(await stepsOf('/livez')).toEqual([200, ['total', 'validation']])
  expect(await stepsOf('/nowhere')).toEqual([404, ['total']])
  expect(await stepsOf('/v1/users/me', 'a.b.c')).toEqual([401, ['total', 'auth']])
  expect(await stepsOf('/v1/users/me?x=1', await tokenOf('ann'))).toEqual([422, ['total', 'auth', 'validation']])
  await Promise.all(Array.from({ length: 20 }, () => ann.getUser()))
})

test('in production no reply does', async ({ service, anonymous }) => {
  expect((await anonymous.getLiveness()).headers.has('server-timing')).toBe(false)
  expect((await fetch(`${service.url}/nowhere`)).headers.has('timing-allow-origin')).toBe(false)
})
