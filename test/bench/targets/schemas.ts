// Request and response schemas of the Fastify target, in Fastify's dialect of JSON Schema.
const id = { type: 'string', format: 'uuid' }
const text = (maxLength: number) => ({ type: 'string', minLength: 1, maxLength, pattern: '^\\s*\\S' })
const nullable = (schema: object) => ({ ...schema, nullable: true })
const priority = { type: 'string', enum: ['none', 'low', 'medium', 'high'] }
const limit = { type: 'integer', minimum: 1, maximum: 100, default: 50 }

const fields = {
  title: text(500),
  description: nullable({ type: 'string', minLength: 1, maxLength: 10_000 }),
  completed: { type: 'boolean' },
  priority,
  categoryId: nullable(id),
  parentId: nullable(id),
  sortKey: nullable({ type: 'string', maxLength: 200, pattern: '^[A-Za-z][0-9A-Za-z]+$' }),
  dueDate: nullable({ type: 'string', format: 'date' }),
  dueTime: nullable({ type: 'string', pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$' }),
  startDate: nullable({ type: 'string', format: 'date' }),
  deadlineDate: nullable({ type: 'string', format: 'date' }),
  durationMinutes: nullable({ type: 'integer', minimum: 1, maximum: 525_600 }),
  timeZone: nullable({ type: 'string', minLength: 1, maxLength: 64 }),
  labels: { type: 'array', items: text(50), maxItems: 50, uniqueItems: true },
  reminders: {
    type: 'array',
    items: {
      type: 'object',
      additionalProperties: false,
      properties: {
        at: nullable({ type: 'string', format: 'date-time' }),
        minutesBefore: nullable({ type: 'integer', minimum: 0, maximum: 525_600 }),
      },
    },
    maxItems: 10,
  },
  recurrence: nullable({
    type: 'object',
    additionalProperties: false,
    required: ['rule'],
    properties: {
      rule: { type: 'string', minLength: 10, maxLength: 500, pattern: '^[A-Z]+=[A-Z0-9,+-]+(;[A-Z]+=[A-Z0-9,+-]+)*$' },
      from: { type: 'string', enum: ['due', 'completion'], default: 'due' },
    },
  }),
}

// Replies contain values that were validated on input. Fastify serializes plain types fastest.
const string = { type: 'string' }
const task = {
  type: 'object',
  properties: {
    id: string,
    title: string,
    description: nullable(string),
    completed: { type: 'boolean' },
    completedAt: nullable(string),
    priority: string,
    categoryId: nullable(string),
    parentId: nullable(string),
    depth: { type: 'integer' },
    sortKey: string,
    dueDate: nullable(string),
    dueTime: nullable(string),
    startDate: nullable(string),
    deadlineDate: nullable(string),
    durationMinutes: nullable({ type: 'integer' }),
    timeZone: nullable(string),
    labels: { type: 'array', items: string },
    reminders: {
      type: 'array',
      items: { type: 'object', properties: { at: nullable(string), minutesBefore: nullable({ type: 'integer' }) } },
    },
    recurrence: nullable({ type: 'object', properties: { rule: string, from: string } }),
    nextOccurrenceId: nullable(string),
    revision: { type: 'integer' },
    createdAt: string,
    updatedAt: string,
  },
}

const inSpace = { type: 'object', properties: { userId: text(255) }, required: ['userId'] }
const ofTask = { type: 'object', properties: { userId: text(255), taskId: id }, required: ['userId', 'taskId'] }

export const list = {
  params: inSpace,
  querystring: {
    type: 'object',
    additionalProperties: false,
    properties: {
      limit,
      completed: { type: 'boolean' },
      priority: { type: 'array', items: priority, minItems: 1, maxItems: 4 },
      q: { type: 'string', minLength: 1, maxLength: 200 },
    },
  },
  response: { 200: { type: 'object', properties: { items: { type: 'array', items: task }, nextCursor: nullable(string) } } },
}
export const get = { params: ofTask, response: { 200: task } }
export const create = {
  params: inSpace,
  body: { type: 'object', additionalProperties: false, required: ['title'], properties: fields },
  response: { 201: task },
}
export const update = {
  params: ofTask,
  body: { type: 'object', additionalProperties: false, properties: fields },
  response: { 200: task },
}
