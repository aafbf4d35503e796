// The fields of a JSON body that its handler does not get as they were sent. Clients send back what they read, and forms send an empty text
// for an empty field.
import type { FieldError } from '../contract/problem.ts'

type Property = { type?: string | string[]; 'x-read-only'?: boolean }
export type BodySchema = { properties?: Record<string, Property> }

export type Tidy = {
  /** The error of an id that is not the one of the resource. `own` is undefined where the server chooses it. */
  idErrors: (body: unknown, own: string | undefined) => FieldError[]
  /** Leaves out the fields that only the server writes, and makes null of an empty text where the schema allows both. */
  tidy: (body: unknown) => void
}

export function createTidy({ properties = {} }: BodySchema = {}): Tidy {
  const all = Object.entries(properties)
  const readOnly = all.flatMap(([name, property]) => (property['x-read-only'] === true ? [name] : []))
  const nullableTexts = all.flatMap(([name, { type }]) => (type?.includes('null') && type.includes('string') ? [name] : []))

  return {
    idErrors(body, own) {
      if (!isObject(body) || typeof body.id !== 'string' || !readOnly.includes('id')) return []
      if (own !== undefined && normal(body.id) === normal(own)) return []
      const message =
        own === undefined
          ? 'must be absent: the server chooses it, and PUT creates under your own id'
          : 'must be the id in the path, or absent'
      return [{ pointer: '/id', location: 'body', code: 'readOnly', message }]
    },

    tidy(body) {
      if (!isObject(body)) return
      for (const name of readOnly) if (body[name] !== undefined) delete body[name]
      for (const name of nullableTexts) if (body[name] === '') body[name] = null
    },
  }
}

const isObject = (body: unknown): body is Record<string, unknown> => typeof body === 'object' && body !== null

/** A UUID is the same in another case (RFC 9562, section 4). */
const normal = (id: string) => (/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(id) ? id.toLowerCase() : id)
