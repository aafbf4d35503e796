// The server as a separate process.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { nodeEnvironment } from './environment.ts'
import { recordLine } from './record.ts'
import { auth } from './taskspec.ts'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const environment = {
  ...nodeEnvironment,
  AUTH_SECRET: auth.secret ?? '',
  AUTH_ISSUER: auth.issuers.join(),
  AUTH_AUDIENCE: auth.audiences.join(),
}

export type Process = { child: ChildProcess; output: () => string; ended: Promise<number | null> }

/** The process is killed when the test ends. A concurrent test must pass its own `atEnd`. */
export function run(env: Record<string, string>, { flags = [] as string[], program = main, atEnd = onTestFinished } = {}): Process {
  const child = spawn(process.execPath, [...flags, program], {
    env: { ...environment, PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', chunk => {
      text += chunk
    })
  atEnd(() => void child.kill('SIGKILL'))
  const output = () => text
  const ended = once(child, 'close').then(([code]) => {
    for (const line of linesOf({ output })) recordLine(line)
    return code
  })
  return { child, output, ended }
}

/** The lines that the process has logged so far. */
export function linesOf({ output }: Pick<Process, 'output'>): Record<string, unknown>[] {
  return output()
    .split('\n')
    .slice(0, -1) // after the last line break there is nothing, or an incomplete line
    .filter(line => line.startsWith('{'))
    .map(line => JSON.parse(line))
}

/** The workers that have started so far. */
export const started = (process: Pick<Process, 'output'>): number[] =>
  linesOf(process).flatMap(({ msg, worker }) => (msg === 'worker started' ? [worker as number] : []))

/** Waits until the process listens, and returns its URL. */
export async function listening({ child, output }: Process): Promise<string> {
  for (;;) {
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(output())?.[0]
    if (url !== undefined) return url
    if (child.exitCode !== null) throw new Error(output())
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
