// Statements in parts, so that what several have in common is written once. The driver has the same, at a tenth of a small request.

/** Text of a statement, with the values or further parts that stand in it. */
export class Part {
  readonly texts: readonly string[]
  readonly values: readonly Value[]

  constructor(texts: readonly string[], values: readonly Value[]) {
    this.texts = texts
    this.values = values
  }
}

export type Value = Part | string | number | boolean | null | undefined | readonly string[] | readonly number[]
export type Statement = { text: string; values: unknown[] }

/** A part. What stands in `${}` is a part too or becomes a parameter: never text. */
export function sql(texts: TemplateStringsArray, ...values: Value[]): Part {
  return new Part(texts, values)
}

/** Parts one after the other. */
export function joined(parts: readonly Part[]): Part {
  return new Part(['', ...parts.map(() => ' ')], parts)
}

/** The name of a column: due_date for dueDate. */
export const snake = (name: string): string => name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)

/** `"due_date"=…,"due_time"=…` out of `{ dueDate, dueTime }`. */
export function assigned(columns: Record<string, Value>): Part {
  const names = Object.keys(columns).map(name => `"${snake(name.replaceAll('"', '""'))}"=`)
  return new Part([...names.map((name, index) => (index === 0 ? name : `,${name}`)), ''], Object.values(columns))
}

/** The text with $1, $2 … for the values. */
export function statement(part: Part): Statement {
  const texts: string[] = []
  const values: unknown[] = []
  write(part, texts, values)
  return { text: texts.join(''), values }
}

function write(part: Part, texts: string[], values: unknown[]) {
  texts.push(part.texts[0] as string)
  for (let index = 0; index < part.values.length; ) {
    const value = part.values[index++]
    if (value instanceof Part) write(value, texts, values)
    else texts.push(`$${values.push(value)}`)
    texts.push(part.texts[index] as string)
  }
}
