// The server as a process of its own.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { recordLine } from './record.ts'
import { auth } from './taskspec.ts'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const environment = {
  PATH: process.env.PATH ?? '',
  AUTH_SECRET: auth.secret ?? '',
  AUTH_ISSUER: auth.issuer ?? '',
  AUTH_AUDIENCE: auth.audience ?? '',
}

export type Process = { child: ChildProcess; output: () => string; ended: Promise<number | null> }

/** Ends with the test at the latest; a test that runs beside others says itself when that is. */
export function run(env: Record<string, string>, { flags = [] as string[], atEnd = onTestFinished } = {}): Process {
  const child = spawn(process.execPath, [...flags, main], { env: { ...environment, PORT: '0', ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
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

/** What it has logged so far. */
export function linesOf({ output }: Pick<Process, 'output'>): Record<string, unknown>[] {
  return output()
    .split('\n')
    .slice(0, -1) // behind the last line break is nothing, or half a line
    .filter(line => line.startsWith('{'))
    .map(line => JSON.parse(line))
}

/** The workers that have started so far. */
export const started = (process: Pick<Process, 'output'>): number[] =>
  linesOf(process).flatMap(({ msg, worker }) => (msg === 'worker started' ? [worker as number] : []))

/** The URL that the process says it listens on. */
export async function listening({ child, output }: Process): Promise<string> {
  for (;;) {
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(output())?.[0]
    if (url !== undefined) return url
    if (child.exitCode !== null) throw new Error(output())
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
