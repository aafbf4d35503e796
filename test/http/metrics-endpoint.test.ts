import { expect, test } from 'vitest'
import { serveMetrics } from '../../src/http/metrics-endpoint.ts'
import { createLog } from '../../src/observe/log.ts'

test('metrics that cannot be collected are 503, and the error is logged', async ({ onTestFinished }) => {
  const lines: string[] = []
  const log = createLog('info', { write: (line: string) => void lines.push(line) })
  const text = () => Promise.reject(new Error('no reply from a worker'))
  const server = await serveMetrics({ text }, '127.0.0.1', 0, log)
  onTestFinished(server.close)
  expect((await fetch(server.url)).status).toBe(503)
  expect(lines.map(line => JSON.parse(line))).toMatchObject([{ msg: 'metrics failed', error: { message: 'no reply from a worker' } }])
})
