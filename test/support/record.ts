// What the run has seen, for the verdict at its end: a file of lines for each kind, shared by all processes.
import { appendFileSync, mkdirSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'

export type Kind = 'run' | 'files' | 'replies' | 'statements' | 'lines' | 'people' | 'contents' | 'secrets'

const directory = new URL('../../.artifacts/seen/', import.meta.url)
const file = (kind: Kind) => new URL(`${kind}.jsonl`, directory)
const seen = new Set<string>()

export function record(kind: Kind, what: unknown): void {
  const line = JSON.stringify(what)
  if (seen.has(kind + line)) return
  seen.add(kind + line)
  mkdirSync(directory, { recursive: true })
  appendFileSync(file(kind), `${line}\n`)
}

export async function recorded<What>(kind: Kind): Promise<What[]> {
  const lines = (await readFile(file(kind), 'utf8')).trim().split('\n')
  return [...new Set(lines)].map(line => JSON.parse(line))
}

/** Starts the record of a run, under the id that the verdict knows it by. */
export async function forget(): Promise<void> {
  await rm(directory, { recursive: true, force: true })
  record('run', performance.timeOrigin)
}

/** Notes a line of a server's log, without what is another in every line and says nothing. */
export function recordLine({ time: _, ms: __, ...line }: Record<string, unknown>): void {
  const made = Object.entries(line).filter(([name, value]) => /Id$/.test(name) && /^[0-9a-f-]{16,36}$/.test(String(value)))
  record('lines', { ...line, ...Object.fromEntries(made.map(([name]) => [name, undefined])) })
}
