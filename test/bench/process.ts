// What a process has cost so far, from Linux's /proc.
import { readdirSync, readFileSync } from 'node:fs'

const tick = 10_000 // µs: USER_HZ is 100 on every Linux that Node runs on

/** Microseconds of CPU that the process has used, in all its threads. */
export function cpuOf(pid: number): number {
  const { user, system } = stat(pid)
  return (user + system) * tick
}

/** The same for a process with its children, also those that are gone already. */
export function cpuOfFamily(parent: number): number {
  const own = stat(parent)
  const children = readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .flatMap(name => {
      try {
        return [stat(Number(name))]
      } catch {
        return [] // ended meanwhile: the next reading finds it with its parent
      }
    })
    .filter(each => each.parent === parent)
  return [own, ...children].reduce((sum, { user, system }) => sum + user + system, own.gone) * tick
}

/** The most memory that the process has held at once, in bytes. */
export function peakMemory(pid: number): number {
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kilobytes) * 1024
}

function stat(pid: number) {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ') // the name in parentheses may hold anything
  const [parent, user, system, goneUser, goneSystem] = [1, 11, 12, 13, 14].map(index => Number(fields[index])) as [
    ...[number, number, number, number, number],
  ]
  return { parent, user, system, gone: goneUser + goneSystem }
}
