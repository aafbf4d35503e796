import { readdir } from 'node:fs/promises'

export const directory = new URL('../db/migrations/', import.meta.url)

/** The versions of all migrations that this code needs, oldest first. */
export async function versions(): Promise<string[]> {
  return (await readdir(directory)).map(file => file.split('_', 1)[0] as string).sort()
}
