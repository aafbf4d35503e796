// Starts a Chromium from npm packages, with the libraries and the font that a minimal machine lacks, and measures how legible a page is.
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import chromium, { inflate } from '@sparticuz/chromium'
import { type Browser, chromium as playwright } from 'playwright-core'

const artifacts = fileURLToPath(new URL('../../.artifacts/', import.meta.url))
const packageRoot = new URL('../', pathToFileURL(createRequire(import.meta.url).resolve('@sparticuz/chromium')))

/** Starts a browser. The caller must close it. */
export async function launch(): Promise<Browser> {
  const home = await unpack()
  const env = { ...process.env, LD_LIBRARY_PATH: `${home}/al2023/lib`, FONTCONFIG_FILE: `${home}/fonts.conf` }
  // The sandbox does not work as root, and a page of this repository does not need it.
  return playwright.launch({ executablePath: `${home}/chromium`, args: ['--no-sandbox'], env })
}

/** Unpacks this version and returns its directory. The rename is atomic, so a killed or concurrent run does no harm. */
async function unpack(): Promise<string> {
  const { version } = JSON.parse(await readFile(new URL('package.json', packageRoot), 'utf8'))
  const home = `${artifacts}chromium-${version}`
  if (existsSync(home)) return home
  await mkdir(artifacts, { recursive: true })
  const partial = await mkdtemp(`${home}-`)
  // The package unpacks into the temporary directory, unless the files exist there.
  const { TMPDIR } = process.env
  process.env.TMPDIR = partial
  try {
    await chromium.executablePath()
    await inflate(fileURLToPath(new URL('bin/al2023.tar.br', packageRoot)))
  } finally {
    if (TMPDIR === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = TMPDIR
  }
  await writeFile(`${partial}/fonts.conf`, fonts(home))
  await rename(partial, home).catch(async error => {
    await rm(partial, { recursive: true })
    if (!existsSync(home)) throw error
  })
  return home
}

// Chromium does not start without a font.
const fonts = (home: string) => `<?xml version="1.0"?>
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <dir>${home}/fonts</dir>
  <cachedir>${home}/fonts-cache</cachedir>
</fontconfig>
`

// The parts of the DOM that the functions below use. The functions run in the page, so they cannot call each other.
type Element = {
  parentElement: Element | null
  childNodes: Iterable<{ nodeType: number; textContent: string | null }>
  className: unknown
  checkVisibility: (options: object) => boolean
  closest: (selector: string) => Element | null
  getBoundingClientRect: () => { right: number }
}
declare function getComputedStyle(element: Element): { color: string; backgroundColor: string; opacity: string }

type Layer = { ground: string; opacity: number }
export type Text = { words: string; path: string; color: string; layers: Layer[] }

/** Every visible text with the layers below it, nearest first. Disabled controls are left out, because they may be faint. */
export function texts(elements: Element[]): Text[] {
  const cache = new Map<Element, Layer[]>()
  const layersOf = (element: Element): Layer[] => {
    const { backgroundColor, opacity } = getComputedStyle(element)
    const below = element.parentElement === null ? [] : (cache.get(element.parentElement) ?? layersOf(element.parentElement))
    const unseen = backgroundColor === 'rgba(0, 0, 0, 0)' && opacity === '1'
    const layers = unseen ? below : [{ ground: backgroundColor, opacity: Number(opacity) }, ...below]
    cache.set(element, layers)
    return layers
  }
  return elements.flatMap(element => {
    const words = [...element.childNodes].flatMap(({ nodeType, textContent }) => (nodeType === 3 ? [textContent?.trim()] : [])).join('')
    if (words === '' || element.closest(':disabled, option') !== null) return []
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) return []
    const path = `${element.parentElement?.className} > ${element.className}`
    return [{ words, path, color: getComputedStyle(element).color, layers: layersOf(element) }]
  })
}

/** The class names of elements that reach beyond the width of the page. */
export function outside(elements: Element[], width: number): unknown[] {
  return elements.filter(element => element.getBoundingClientRect().right > width).map(element => element.className)
}

/** The contrast of WCAG 2.2, from 1 to 21. 4.5 is enough for text of any size. */
export function contrast({ color, layers }: Text): number {
  const white: Colour = [255, 255, 255, 1]
  const ground = layers.reduceRight((below, layer) => over(colour(layer.ground), below), white)
  const [red, green, blue, alpha] = colour(color)
  const opacity = layers.reduce((all, layer) => all * layer.opacity, alpha)
  const [low, high] = [luminance(ground), luminance(over([red, green, blue, opacity], ground))].sort((a, b) => a - b) as [number, number]
  return (high + 0.05) / (low + 0.05)
}

type Colour = [red: number, green: number, blue: number, alpha: number]

function colour(css: string): Colour {
  const [red, green, blue, alpha = 1] = (css.match(/[\d.]+/g) ?? []).map(Number)
  if (!css.startsWith('rgb') || red === undefined || green === undefined || blue === undefined) throw new Error(`not a colour: ${css}`)
  return [red, green, blue, alpha]
}

function over([red, green, blue, alpha]: Colour, below: Colour): Colour {
  const mix = (above: number, under: number) => above * alpha + under * (1 - alpha)
  return [mix(red, below[0]), mix(green, below[1]), mix(blue, below[2]), 1]
}

function luminance([red, green, blue]: Colour): number {
  const linear = (part: number) => (part <= 0.04045 * 255 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4)
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}
