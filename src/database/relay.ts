// dbmate connects through this process, so that it needs to know nothing of TLS, sockets and addresses: its driver knows other
// parameters than libpq and trusts other certificates than Node.
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream'
import type { DatabaseUrl, Host } from '../config/database-url.ts'
import { openSocket } from './socket.ts'

/** Does the work with a URL for dbmate, which leads to the one host of this URL. */
export async function withRelay<Result>(url: DatabaseUrl, work: (url: string) => Promise<Result>): Promise<Result> {
  const [host] = url.hosts as [Host]
  const open = new Set<{ destroy: () => void }>()
  const server = createServer({ pauseOnConnect: true }, client => {
    const socket = openSocket(host, url.tls)
    for (const each of [client, socket]) open.add(each)
    socket.ready.then(
      database => {
        pipeline(client, database, client, () => {})
        client.resume()
      },
      () => client.destroy(),
    )
  })
  // Only this user may open the folder. With a client certificate, a connection through the relay needs no password.
  const folder = await mkdtemp(join(tmpdir(), 'taskspec-'))
  try {
    if (process.platform === 'win32') server.listen(0, '127.0.0.1')
    else server.listen(join(folder, '.s.PGSQL.5432'))
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const [user, password, database] = [url.user, url.password, url.database].map(encodeURIComponent)
    const place = port === undefined ? `host=${encodeURIComponent(folder)}&port=5432` : `host=127.0.0.1&port=${port}`
    return await work(`postgres://${user}:${password}@/${database}?${place}&sslmode=disable`)
  } finally {
    for (const each of open) each.destroy()
    server.close()
    await rm(folder, { recursive: true, force: true })
  }
}
