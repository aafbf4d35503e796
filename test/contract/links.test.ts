// The links of the spec, followed: they lead from a new resource to the operations on it.
import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { cases } from '../support/checks.ts'
import { exampleBody, type Link, operation, operations, resolved } from '../support/spec.ts'
import { test } from '../support/taskspec.ts'

const links = operations.flatMap(from =>
  Object.values(from.responses[201]?.links ?? {}).map(reference => {
    const link = resolved<Link>(reference)
    return [from.operationId, link.operationId, from, link] as const
  }),
)

test.for(cases(links))('%s links to %s', async ([, , from, { operationId, parameters }], { as }) => {
  const ann = await as('ann')
  const send = (id: string, path: Record<string, string>, body: object) => {
    const { method, path: template, requestBody } = operation(id)
    const target = template.replaceAll(/\{(\w+)\}/g, (_, name) => path[name] as string)
    const json = { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
    return ann.send(method, target, requestBody === undefined ? {} : json)
  }

  const path = { userId: 'me', taskId: randomUUID(), categoryId: randomUUID() }
  const example = exampleBody(from) as object
  const created = await send(from.operationId, path, example)
  expect(created.status).toBe(201)

  const values = Object.entries(parameters).map(([name, expression]) => {
    const [, place, key = ''] = /^\$(request\.path\.|response\.body#\/)(\w+)$/.exec(expression) ?? []
    return [name, (place === 'request.path.' ? path : (created.body as Record<string, string>))[key as 'userId']]
  })
  const { status } = await send(operationId, Object.fromEntries(values), example)
  expect(status).toBe(operation(operationId).method === 'DELETE' ? 204 : 200)
})
