// One property of iCalendar (RFC 5545, section 3.1). Not by ical.js, which reads a value that is no date as another one, takes the comma after an
// escaped backslash for an escaped comma, and has a licence that packages of production must not have. The tests compare with it.
import type { ContentLine } from './calendar-components.ts'

/** `values` are more than one only for properties with a list. `params` have names in lower case. */
export type Property = { line: number; name: string; params: ReadonlyMap<string, string>; values: string[] }
export type Properties = ReadonlyMap<string, readonly Property[]>

const texts = new Set(['uid', 'summary', 'description', 'related-to', 'x-taskspec-category', 'x-taskspec-sort-key', 'x-taskspec-time-zone'])
const others = [
  ...['status', 'completed', 'percent-complete', 'priority', 'due', 'dtstart', 'duration', 'rrule', 'rdate', 'exdate', 'recurrence-id'],
  ...['created', 'last-modified', 'action', 'trigger', 'x-apple-proximity'],
  ...['deadline-date', 'duration-minutes', 'recurrence-from', 'start-date'].map(name => `x-taskspec-${name}`),
]
const known = new Set([...texts, ...others, 'categories'])

// Both are linear in the length of the line.
const param = /;([\w-]+)=((?:"[^"]*"|[^";:,]*)(?:,(?:"[^"]*"|[^";:,]*))*)/g
const head = new RegExp(`^[\\w-]+(?:${param.source})*:`)

/** The properties that a task is made of, by their name in lower case; or the name of one that is malformed. */
export function parseProperties(lines: readonly ContentLine[]): { properties: Properties } | { line: number; place: string | null } {
  const properties = new Map<string, Property[]>()
  for (const { line, text } of lines) {
    const name = /^[\w-]+/.exec(text ?? '')?.[0].toLowerCase()
    if (name === undefined) return { line, place: null }
    if (!known.has(name)) continue
    const property = parse(line, name, text as string)
    if (property === null) return { line, place: name.toUpperCase() }
    properties.set(name, [...(properties.get(name) ?? []), property])
  }
  return { properties }
}

function parse(line: number, name: string, text: string): Property | null {
  const start = head.exec(text)?.[0]
  if (start === undefined) return null
  const params = [...start.matchAll(param)].map(([, key, value]) => [key?.toLowerCase(), value?.replaceAll('"', '')] as [string, string])
  const value = text.slice(start.length)
  return {
    line,
    name,
    params: new Map(params),
    values: name === 'categories' ? split(value) : [texts.has(name) ? unescapeText(value) : value],
  }
}

function split(list: string): string[] {
  return (list.match(/(?:\\.|[^\\,])+/g) ?? []).map(unescapeText)
}

function unescapeText(text: string): string {
  return text.replace(/\\([\\;,nN])/g, (_, character: string) => (/n/i.test(character) ? '\n' : character))
}
