// The contract: as it was written, and as what the program reads.
import { readFileSync } from 'node:fs'

export type Document = { openapi: string; info: { title: string; version: string }; paths: Record<string, object> }

const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8')

export const text: string = read('openapi.yaml')
// Reading YAML takes a sixth of a start, and 25 MB.
const whole: Document & { 'x-quotas': { tasks: number; categories: number } } = JSON.parse(read('generated/openapi.json'))
export const document: Document = whole
/** How many an account may have. */
export const quotas = whole['x-quotas']
