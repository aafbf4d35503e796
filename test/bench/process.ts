// What a process has cost so far, from Linux's /proc.
import { readdirSync, readFileSync } from 'node:fs'

const tick = 10_000 // µs: USER_HZ is 100 on every Linux that Node runs on

/** Microseconds of CPU that a process has used with its children, in all their threads, also those that are gone already. */
export function cpuOfFamily(parent: number): number {
  return [stat(parent), ...children(parent)].reduce((sum, { user, system }) => sum + user + system, stat(parent).gone) * tick
}

/** The most memory that a process and its children have each held at once, in bytes. */
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
        return [] // ended meanwhile: the next reading finds it with its parent
      }
    })
    .filter(each => each.parent === parent)
}

function stat(pid: number) {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ') // the name in parentheses may hold anything
  const [parent, user, system, goneUser, goneSystem] = [1, 11, 12, 13, 14].map(index => Number(fields[index])) as [
    ...[number, number, number, number, number],
  ]
  return { pid, parent, user, system, gone: goneUser + goneSystem }
}
