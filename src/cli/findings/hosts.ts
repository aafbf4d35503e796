// Which of several hosts accept writes: exactly one must.
import { type DatabaseUrl, type Host, hostLocation } from '../../config/database-url.ts'
import { createDatabase } from '../../database/database.ts'
import { roleOf } from '../../database/primary.ts'
import { sql } from '../../database/sql.ts'
import type { Finding } from './finding.ts'

export async function hostsFinding(url: DatabaseUrl, pooler: boolean): Promise<Finding> {
  const roles = await Promise.all(url.hosts.map(host => roleOf(url, host, pooler)))
  const primaries = url.hosts.filter((_, index) => roles[index] === 'primary')
  const state = url.hosts.map((host, index) => `${hostLocation(host)} ${roles[index]}`).join(', ')
  if (primaries.length === 1) return { subject: 'hosts', state }
  if (primaries.length === 0) return { subject: 'hosts', state, remedy: 'Promote a standby.' }
  const nodes = await Promise.all(primaries.map(host => isCitusNode(url, host, pooler)))
  const remedy = nodes.includes(true)
    ? 'Name one node of Citus, or a proxy in front of the nodes: each node is a primary, and the hosts of a URL are one primary and its standbys.'
    : 'Stop all primaries except one: writes to the others will be lost.'
  return { subject: 'hosts', state, remedy }
}

async function isCitusNode(url: DatabaseUrl, host: Host, pooler: boolean): Promise<boolean> {
  const db = createDatabase({ url: { ...url, hosts: [host], primary: false }, poolSize: 1, pooler })
  const rows = await db.read('select extension', sql`select from pg_extension where extname = 'citus'`).catch(() => [])
  await db.close()
  return rows.length > 0
}
