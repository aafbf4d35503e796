// Judges a request before its handler gets it: by the schemas of its parameters and its body, and by the rules that no schema states.
import { type FieldError, invalid, type MediaTypes, unsupportedMediaType } from '../contract/problem.ts'
import type { Upload } from '../contract/types.ts'
import { type BodySchema, createTidy } from './body.ts'
import type { DeclaredOperation, Parts, Validate } from './validation.ts'

/** The bodies that an operation takes. */
export type BodyRules = MediaTypes & { maxBytes: number }

/** The value of a JSON body, undefined where there is none; or any other body as it arrives. */
export type Content = { json: unknown } | Upload

/**
 * Returns the body that the handler gets, and fills in defaults in all parts. `content` is undefined for an operation without a body. Throws
 * 422 with every error.
 */
export type Judge = (parts: Parts, content: Content | undefined, owner: string | undefined) => unknown

export const ownerParameter = 'userId' // of a path: whose space it is

export function createJudge({ declaration: { path, requestBody } }: DeclaredOperation, validate: Validate, body?: BodyRules): Judge {
  const jsonBody = requestBody?.content['application/json']
  const { idErrors, tidy } = createTidy(jsonBody?.schema as BodySchema | undefined)
  const ownParameter = /\{(\w+)\}$/.exec(path)?.[1] // has the id of the resource, where there is one

  function ownId(params: Parts['path'], owner: string | undefined): string | undefined {
    if (ownParameter === undefined) return undefined
    return ownParameter === ownerParameter ? owner : (params as Record<string, string>)[ownParameter]
  }

  /** The errors of a request without a body, where the operation takes one that is not JSON. */
  function jsonRefused(json: unknown): FieldError[] {
    if (json !== undefined) throw unsupportedMediaType(body as BodyRules)
    return requestBody?.required ? [{ pointer: '', location: 'body', code: 'required', message: 'is missing' }] : []
  }

  return (parts, content, owner) => {
    const json = content !== undefined && 'json' in content ? { requestBody: content.json } : undefined
    const errors = validate(parts, json)
    if (json !== undefined)
      errors.push(...(jsonBody === undefined ? jsonRefused(json.requestBody) : idErrors(json.requestBody, ownId(parts.path, owner))))
    if (errors.length > 0) throw invalid(...errors)
    if (json === undefined) return content
    tidy(json.requestBody)
    return json.requestBody
  }
}
