// Files for imports, and what the reports say of them.
import type { components } from '../../generated/api.ts'
import type { Client } from './client.ts'

export type Report = components['schemas']['ImportReport']

export const types = { ndjson: 'application/x-ndjson', csv: 'text/csv', ics: 'text/calendar' } as const
export type Form = keyof typeof types

/** Imports a file, and resolves with the report. */
export async function importFile(user: Client, file: string, form: Form = 'ndjson', query: { dryRun?: boolean } = {}): Promise<Report> {
  return (await user.importAccount({ body: file, type: types[form], query })).body
}

export const exportFile = async (user: Client, format: Form = 'ndjson'): Promise<string> =>
  (await user.exportAccount({ query: { format } })).body

/** NDJSON of resources. */
export const lines = (...resources: object[]): string => resources.map(each => `${JSON.stringify(each)}\n`).join('')

/** The numbers of a report, in the order of the schema. */
export const numbers = ({ created, updated, unchanged, failed }: Report) => [created, updated, unchanged, failed]
