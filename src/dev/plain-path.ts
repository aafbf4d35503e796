// Prism, Redocly and openapi-typescript read `#`, `?` and `%` in a path as parts of a URL, and then miss the file.
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, sep } from 'node:path'

/** A path of this folder without such characters: its own, or a link to it for as long as this process runs. Ends like the folder. */
export function plainPath(folder: string): string {
  if (!/[#?%]/.test(folder)) return folder
  const parent = mkdtempSync(join(tmpdir(), 'taskspec-'))
  process.once('exit', () => rmSync(parent, { recursive: true, force: true }))
  const link = join(parent, 'project')
  symlinkSync(folder, link, 'junction')
  return folder.endsWith(sep) ? link + sep : link
}
