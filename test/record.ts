// What the run has seen, for the verdict at its end: a file of lines for each kind, shared by all processes.
import { appendFileSync, mkdirSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'

export type Kind = 'replies' | 'statements'

const directory = new URL('../.artifacts/seen/', import.meta.url)
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

export async function forget(): Promise<void> {
  await rm(directory, { recursive: true, force: true })
}
