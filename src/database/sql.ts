// Statements in parts, so that what several have in common is written once. The driver offers the same at a tenth of the cost of a small request.

/** Text of a statement, with the values or further parts that stand in it. */
export class Part {
  readonly texts: readonly string[]
  readonly values: readonly Value[]

  constructor(texts: readonly string[], values: readonly Value[]) {
    this.texts = texts
    this.values = values
  }
}

/** A value that is given by name each time the statement is sent. */
export class Parameter {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

export type Value = Part | Parameter | string | number | boolean | null | readonly string[] | readonly number[]
/** `name` says what the statement does, such as `insert task`: traces show it. */
export type Statement = { name: string; text: string; values: unknown[] }

/** Makes a part. A value in `${}` is a part too or becomes a parameter: never text. */
export function sql(texts: TemplateStringsArray, ...values: Value[]): Part {
  return new Part(texts, values)
}

/** Parts one after the other. */
export function joined(parts: readonly Part[], separator = ' '): Part {
  return new Part(['', ...parts.slice(1).map(() => separator), ''].slice(0, parts.length + 1), parts)
}

/** The name of a column: due_date for dueDate. */
export const snake = (name: string): string => name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)

/** A quoted name of a column or table: `"due_date"` for dueDate. */
export const identifier = (name: string): Part => new Part([`"${snake(name).replaceAll('"', '""')}"`], [])

/** A constant of the code, such as `'dueDate'` or 1000, as text of the statement. */
export const constant = (value: string | number): Part =>
  new Part([typeof value === 'number' ? String(value) : `'${value.replaceAll("'", "''")}'`], [])

/** The same part as one text, for a part without values that stands in many statements: rendering it again would cost each of them. */
export function flattened(part: Part): Part {
  const { text, values } = statement('', part)
  if (values.length > 0) throw new Error('a part with values can not become text')
  return new Part([text], [])
}

/** `"due_date"=…,"due_time"=…` out of `{ dueDate, dueTime }`. */
export function assigned(columns: Record<string, Value>): Part {
  return joined(
    Object.entries(columns).map(([name, value]) => sql`${identifier(name)}=${value}`),
    ',',
  )
}

/** The text with $1, $2 … for the values. */
export function statement(name: string, part: Part): Statement {
  const texts: string[] = []
  const values: unknown[] = []
  write(part, texts, values)
  return { name, text: texts.join(''), values }
}

/**
 * Makes a part once, when it is first needed: a process has some hundred statements, and making them all takes a tenth of its start. The function
 * that comes back fills in its parameters, of which those that are absent become null.
 */
export function template(name: string, part: () => Part): (given: Record<string, unknown>) => Statement {
  let rendered: Statement | undefined
  return given => {
    rendered ??= statement(name, part())
    const { text, values } = rendered
    return { name, text, values: values.map(value => (value instanceof Parameter ? (given[value.name] ?? null) : value)) }
  }
}

function write(part: Part, texts: string[], values: unknown[]) {
  texts.push(part.texts[0] as string)
  for (let index = 0; index < part.values.length; ) {
    const value = part.values[index++]
    if (value instanceof Part) write(value, texts, values)
    else texts.push(`$${numberOf(value, values)}`)
    texts.push(part.texts[index] as string)
  }
}

/** A parameter keeps its number wherever it stands; every other value gets one of its own. */
function numberOf(value: unknown, values: unknown[]): number {
  const index = value instanceof Parameter ? values.indexOf(value) : -1
  return index === -1 ? values.push(value) : index + 1
}
