// Which of several hosts accept writes: exactly one must.
import { type DatabaseUrl, hostLocation } from '../../config/database-url.ts'
import { roleOf } from '../../database/primary.ts'
import type { Finding } from './finding.ts'

export async function hostsFinding(url: DatabaseUrl, pooler: boolean): Promise<Finding> {
  const roles = await Promise.all(url.hosts.map(host => roleOf(url, host, pooler)))
  const primaries = roles.filter(role => role === 'primary').length
  const state = url.hosts.map((host, index) => `${hostLocation(host)} ${roles[index]}`).join(', ')
  if (primaries === 1) return { subject: 'hosts', state }
  const remedy = primaries === 0 ? 'Promote a standby.' : 'Stop all primaries except one: writes to the others will be lost.'
  return { subject: 'hosts', state, remedy }
}
