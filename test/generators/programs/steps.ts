// What each generated client is tried with. Each program gives its client this form.

export type Task = { id: string; title: string; dueDate: string | Date | null; labels: string[]; createdAt: string | Date }
export type Client = {
  create: (task: { title: string; dueDate?: string; labels?: string[] }) => Promise<Task>
  list: () => Promise<Task[]>
  /** tasks with both labels */
  labelled: (labels: string[]) => Promise<Task[]>
}

declare const process: { env: Record<string, string>; exitCode: number }
export const { TASKSPEC_URL: url = '', TASKSPEC_TOKEN: token = '' } = process.env
export const authorization = { Authorization: `Bearer ${token}` }

/** Prints a line of JSON: for each step true, or the error. */
export async function attempt({ create, list, labelled }: Client): Promise<void> {
  const step = (run: () => Promise<boolean>) => run().catch((error: unknown) => String(error).slice(0, 500))
  const title = `Zażółć 中 😀 ${crypto.randomUUID()}`
  const labels = ['a b', 'ä']
  const day = (date: Task['dueDate']) => (date instanceof Date ? date.toISOString().slice(0, 10) : date)
  const result = {
    create: await step(async () => (await create({ title, dueDate: '2027-03-01', labels })).title === title),
    list: await step(async () => (await list()).some(each => each.title === title && day(each.dueDate) === '2027-03-01')),
    dates: await step(
      async () => (await create({ title: 'No date' })).dueDate === null && (await list()).some(each => each.dueDate === null),
    ),
    arrays: await step(async () => (await labelled(labels)).some(each => each.title === title)),
  }
  console.log(JSON.stringify(result))
}
