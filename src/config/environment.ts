// Typed readers of environment variables. They collect errors, so that one message can name every bad variable.
import { isIP } from 'node:net'

export type Variables = Record<string, string | undefined>
export type Environment = ReturnType<typeof createEnvironment>

/** After an error a reader returns a value of the right type, which is used no further: `errors` must be empty in the end. */
export function createEnvironment(variables: Variables) {
  const errors: string[] = []

  /** null: not set, or blank */
  const text = (name: string) => variables[name]?.trim() || null

  const list = (name: string) => text(name)?.split(/[\s,]+/) ?? null

  /** Values separated by commas, which may contain spaces. Empty if the variable is not set. */
  function values(name: string): string[] {
    const all =
      text(name)
        ?.split(',')
        .map(each => each.trim()) ?? []
    if (all.includes('')) errors.push(`${name} must have a value before and after each comma`)
    if (all.some(each => /^[["']/.test(each))) errors.push(`${name} must be written without quotes and brackets`)
    for (const each of new Set(all.filter((each, index) => all.indexOf(each) !== index)))
      errors.push(`${name} must not name "${each}" twice`)
    return all
  }

  function number(name: string, fallback: number, [min, max]: readonly [number, number]): number {
    const value = Number(text(name) ?? fallback)
    if (!(value >= min && value <= max)) errors.push(`${name} must be a number from ${min} to ${max}`)
    return value
  }

  function integer(name: string, fallback: number, [min, max]: readonly [number, number]): number {
    const value = Number(text(name) ?? fallback)
    if (!Number.isInteger(value) || value < min || value > max) errors.push(`${name} must be a whole number from ${min} to ${max}`)
    return value
  }

  function url(name: string, protocols: string[]): string | null {
    const value = text(name)
    if (value !== null && !(URL.canParse(value) && protocols.includes(new URL(value).protocol)))
      errors.push(`${name} must be a URL that starts with ${protocols.map(each => `${each}//`).join(' or ')}`)
    return value
  }

  function oneOf<Choice extends string, Fallback extends Choice | null>(name: string, choices: readonly Choice[], fallback: Fallback) {
    const value = text(name)
    const choice = choices.find(each => each === value)
    if (value !== null && choice === undefined) {
      const named = choices.length === 1 ? choices[0] : `one of ${choices.join(', ')}`
      errors.push(`${name} must be ${named}${fallback === null ? ', or must not be set' : ''}`)
    }
    return choice ?? fallback
  }

  /** A list of `name=value`, percent-encoded, as in W3C Baggage. A value can be a secret, so the error quotes none. */
  function pairs(name: string): Record<string, string> {
    const parts = (text(name) ?? '').split(',').filter(each => each.trim() !== '')
    try {
      return Object.fromEntries(parts.map(pair))
    } catch {
      errors.push(`${name} must be pairs like name=value, percent-encoded and separated by commas`)
      return {}
    }
  }

  /** A name or an address to listen on. */
  function host(name: string, fallback: string): string {
    const value = text(name) ?? fallback
    if (isIP(value) === 0 && !/^[\w.-]+$/.test(value))
      errors.push(`${name} must be a name or an address, without brackets, scheme and port: 0.0.0.0, or :: for IPv6`)
    return value
  }

  return { errors, text, list, host, values, number, integer, url, oneOf, pairs }
}

function pair(part: string): [name: string, value: string] {
  const [, name, value] = /^\s*([\w.!#$%&'*+^`|~-]+)\s*=([^\r\n]*)$/.exec(part) ?? []
  if (name === undefined || value === undefined) throw new Error('not a pair')
  return [decodeURIComponent(name), decodeURIComponent(value.trim())]
}
