// The commands of src/ops/README.md.
import { readFileSync } from 'node:fs'

export const manual: string = readFileSync(new URL('../../src/ops/README.md', import.meta.url), 'utf8')

/** Each block of a chapter, or of all of them. */
export function blocks(chapter?: string): string[] {
  const text = chapter === undefined ? manual : manual.split(/^## /m).find(each => each.startsWith(`${chapter}\n`))
  if (text === undefined) throw new Error(`There is no chapter "${chapter}"`)
  return [...text.matchAll(/^```sh\n(.*?)^```/gms)].map(([, block]) => block as string)
}
