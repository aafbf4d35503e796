// A record of the run, for the verdict at its end: one file of JSON lines for each kind, shared by all processes.
import { mkdirSync, openSync, writeSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'

export type Kind = 'run' | 'database' | 'files' | 'replies' | 'statements' | 'lines' | 'userIds' | 'contents' | 'secrets'

const directory = new URL('../../.artifacts/seen/', import.meta.url)
const file = (kind: Kind) => new URL(`${kind}.jsonl`, directory)
const seen = new Set<string>()
const descriptors = new Map<Kind, number>()

export function record(kind: Kind, item: unknown): void {
  const line = JSON.stringify(item)
  if (seen.has(kind + line)) return
  seen.add(kind + line)
  // Each line is appended immediately: other processes append to the same file, and any of them may be killed.
  writeSync(openFile(kind), `${line}\n`)
}

function openFile(kind: Kind): number {
  const existing = descriptors.get(kind)
  if (existing !== undefined) return existing
  mkdirSync(directory, { recursive: true })
  const descriptor = openSync(file(kind), 'a')
  descriptors.set(kind, descriptor)
  return descriptor
}

export async function readRecord<Item>(kind: Kind): Promise<Item[]> {
  const lines = (await readFile(file(kind), 'utf8')).trim().split('\n')
  return [...new Set(lines)].map(line => JSON.parse(line))
}

/** Deletes the record of the last run, and starts one with the id that the verdict expects. */
export async function startRecord(): Promise<void> {
  await rm(directory, { recursive: true, force: true })
  record('run', performance.timeOrigin)
}

/** Records a line of a server's log, without times and generated ids, which differ in every line. */
export function recordLine({ time: _, ms: __, ...line }: Record<string, unknown>): void {
  const generatedIds = Object.entries(line).filter(([name, value]) => /Id$/.test(name) && /^[0-9a-f-]{16,36}$/.test(String(value)))
  record('lines', { ...line, ...Object.fromEntries(generatedIds.map(([name]) => [name, undefined])) })
}
