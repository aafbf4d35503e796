// The results of `npm run generators` as a table in src/client/README.md.
import { readFileSync } from 'node:fs'
import { generators } from './generators.ts'

/** For each step true if it succeeded. */
export type Result = { name: string; outcome: Record<string, unknown> }

const [begin, end] = ['<!-- generators: written by `npm run generators` -->', '<!-- /generators -->']
const columns = {
  generates: 'generates',
  compiles: 'compiles',
  create: 'creates',
  list: 'lists',
  dates: 'null dates',
  arrays: 'repeated values',
}

export const versions: Record<string, string> = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')).dependencies

export function table(results: Result[]): string {
  const rows = results.map(({ name, outcome }) => {
    const generator = generators.find(each => each.name === name)
    const marks = Object.keys(columns).map(step => (outcome[step] === true ? 'yes' : 'no'))
    return [`\`${generator?.package}\` ${versions[generator?.package ?? '']}`, generator?.parts, ...marks, generator?.remark ?? '']
  })
  const lines = [['generator', 'parts', ...Object.values(columns), 'remarks'], Array(Object.keys(columns).length + 3).fill('---'), ...rows]
  return lines.map(cells => `| ${cells.join(' | ')} |`).join('\n')
}

export function withTable(text: string, table: string): string {
  const [start, stop] = [text.indexOf(begin), text.indexOf(end)]
  if (start === -1 || stop === -1) throw new Error('README.md has no place for the table.')
  return `${text.slice(0, start)}${begin}\n\n${table}\n\n${text.slice(stop)}`
}
