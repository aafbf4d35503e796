// CPU and memory of a process, from Linux's /proc.
import { readdirSync, readFileSync } from 'node:fs'

const tick = 10_000 // µs: USER_HZ is 100 on every Linux that Node runs on

/** Microseconds of CPU used by a process and its children, including threads and children that have ended. */
export function cpuOfFamily(parent: number): number {
  return [stat(parent), ...children(parent)].reduce((sum, { user, system }) => sum + user + system, stat(parent).ended) * tick
}

/** Sum of the peak memory of a process and of each of its children, in bytes. */
export function peakMemory(parent: number): number {
  return [parent, ...children(parent).map(({ pid }) => pid)].reduce((sum, pid) => {
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return sum + Number(kilobytes) * 1024
  }, 0)
}

function children(parent: number) {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .flatMap(name => {
      try {
        return [stat(Number(name))]
      } catch {
        return [] // it ended meanwhile: its CPU now counts with its parent
      }
    })
    .filter(each => each.parent === parent)
}

function stat(pid: number) {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ') // the name in parentheses may contain spaces and parentheses
  const [parent, user, system, endedUser, endedSystem] = [1, 11, 12, 13, 14].map(index => Number(fields[index])) as [
    ...[number, number, number, number, number],
  ]
  return { pid, parent, user, system, ended: endedUser + endedSystem }
}
