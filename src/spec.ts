// The contract as it was written, and parsed. The only file that knows yaml.
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

export type Document = { openapi: string; info: { title: string; version: string }; paths: Record<string, object> }

export const text: string = readFileSync(new URL('../openapi.yaml', import.meta.url), 'utf8')
export const document: Document = parse(text)
