// Prism as a process: a mock of the API, or a proxy that checks the replies of a server.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../src/dev/free-port.ts'

const binary = fileURLToPath(new URL('../../node_modules/.bin/prism', import.meta.url))
const spec = fileURLToPath(new URL('../../openapi.yaml', import.meta.url))

/** Headers that Prism adds: the violations that it found, and CORS for every origin. */
export const prismHeaders = ['sl-violations', 'access-control-allow-headers']

/**
 * For each request to Prism. It closes a connection that was idle for 5 s, which on a busy machine can meet the next request: that one would
 * fail.
 */
export const closing = { connection: 'close' }

export type Prism = { url: string; stop: () => Promise<void> }

/** `mock`, or `proxy` in front of a server. The proxy returns 500 for each reply that breaks the spec. */
export async function prism(...[command, upstream]: ['mock'] | ['proxy', string]): Promise<Prism> {
  const port = await freePort()
  const args = command === 'mock' ? ['mock', spec] : ['proxy', spec, upstream as string, '--errors', '--validate-request', 'false']
  const child = spawn(binary, [...args, '--port', String(port), '--verboseLevel', 'warn'], { stdio: ['ignore', 'ignore', 'inherit'] })
  const url = `http://127.0.0.1:${port}`
  const exited = once(child, 'exit')
  while (!(await fetch(`${url}/livez`, { headers: closing }).then(Boolean, () => false))) {
    if (child.exitCode !== null) throw new Error(`prism ended with ${child.exitCode}`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  return {
    url,
    async stop() {
      child.kill('SIGKILL')
      await exited
    },
  }
}
