// The part of a container engine that Dockerfile needs: its steps, carried out in a folder.
import { execFile } from 'node:child_process'
import { cp, mkdir, readFile } from 'node:fs/promises'
import { join, matchesGlob } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Copy, DockerfileParser, type Instruction } from 'dockerfile-ast'

export type Image = {
  /** where its root is */
  root: string
  workdir: string
  env: Record<string, string>
  uid: number
  gid: number
  cmd: string[]
  healthcheck: string[]
}

const run = promisify(execFile)
const context = fileURLToPath(new URL('../../', import.meta.url))
const text = await readFile(join(context, 'Dockerfile'), 'utf8')
export const instructions: Instruction[] = DockerfileParser.parse(text).getInstructions()

/** The stages one after the other, each in a folder of its own. The last one is the image. */
export async function build(directory: string): Promise<Image> {
  const stages: (Image & { name: string })[] = []
  for (const instruction of instructions) {
    const stage = stages.at(-1) as Image
    const words = instruction.getArguments().map(each => each.getValue())
    switch (instruction.getKeyword()) {
      case 'FROM': {
        const root = join(directory, String(stages.length))
        await mkdir(root)
        stages.push({ name: words[2] ?? '', root, workdir: '/', env: {}, uid: 0, gid: 0, cmd: [], healthcheck: [] })
        break
      }
      case 'WORKDIR':
        stage.workdir = words[0] as string
        await mkdir(join(stage.root, stage.workdir), { recursive: true })
        break
      case 'ENV':
        Object.assign(stage.env, Object.fromEntries(words.map(word => word.split('=', 2))))
        break
      case 'COPY': {
        const flag = (instruction as Copy).getFlags().find(each => each.getName() === 'from')
        const from = flag === undefined ? null : stages.find(({ name }) => name === flag.getValue())
        if (from === undefined) throw new Error(`There is no stage ${flag?.getValue()}`)
        await copy(words, from, stage)
        break
      }
      case 'RUN':
        await run('sh', ['-c', words.join(' ')], {
          cwd: join(stage.root, stage.workdir),
          env: { ...process.env, npm_config_prefer_offline: 'true', ...stage.env },
        })
        break
      case 'USER':
        ;[stage.uid, stage.gid] = (words[0] as string).split(':').map(Number) as [number, number]
        break
      case 'CMD':
        stage.cmd = execForm(instruction)
        break
      case 'HEALTHCHECK':
        stage.healthcheck = execForm(instruction)
        break
      case 'LABEL':
      case 'EXPOSE':
      case 'STOPSIGNAL':
        break
      default:
        throw new Error(`The instruction ${instruction.getKeyword()} is not supported.`)
    }
  }
  const image = stages.at(-1) as Image
  await run('chmod', ['-R', 'a-w,a+rX', image.root])
  return image
}

/** Copies a folder with its content, under the name of the target, or a file into the target. */
async function copy(words: string[], from: Image | null, to: Image) {
  const target = join(to.root, to.workdir, words.at(-1) as string)
  for (const word of words.slice(0, -1)) {
    const source = from === null ? join(context, word) : join(from.root, word)
    const filter = (path: string) => from !== null || isIn(path.slice(context.length))
    await cp(source, target.endsWith('/') ? join(target, word) : target, { recursive: true, filter, verbatimSymlinks: true })
  }
}

const patterns = (await readFile(join(context, '.dockerignore'), 'utf8')).split('\n').filter(line => line !== '' && !line.startsWith('#'))

/** The last line that speaks of a file, or of a folder that it is in, decides. */
function isIn(path: string): boolean {
  const folders = path.split('/').map((_, i, parts) => parts.slice(0, i + 1).join('/'))
  const last = patterns.findLast(pattern => folders.some(folder => matchesGlob(folder, pattern.replace(/^!/, ''))))
  // A folder may hold a file that comes back.
  return last?.startsWith('!') === true || patterns.some(pattern => pattern.startsWith(`!${path}/`))
}

/** JSON, or else a shell would be process 1 and keep the signals to itself. */
export function execForm(instruction: Instruction): string[] {
  const json = /\[.*\]$/s.exec(instruction.getRawArgumentsContent() ?? '')?.[0]
  if (json === undefined) throw new Error(`${instruction.getKeyword()} is not in exec form`)
  return JSON.parse(json)
}
