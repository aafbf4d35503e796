// The reference page as a reader meets it, in a real browser.
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { describe, expect } from 'vitest'
import type { OperationId } from '../../src/contract/types.ts'
import { contrast, launch, outside, texts } from '../support/browser.ts'
import { client } from '../support/client.ts'
import { operations, document as spec } from '../support/spec.ts'
import { test as base, start, tokenOf } from '../support/taskspec.ts'

type Visit = {
  page: Page
  /** Faults of the page: errors and warnings of the console, failed requests, other hosts. */
  trouble: string[]
}
type Fixtures = {
  $file: {
    browser: Browser
    /**
     * The page at an operation's address, in light mode, under another name of the machine and a prefix that a proxy removes: nothing in
     * the page may know where it is served. Loading a page takes seconds of CPU, so the tests share it, and each leaves it usable.
     */
    visit: Visit
  }
}

const test = base.extend<Fixtures>({
  browser: [
    // biome-ignore lint/correctness/noEmptyPattern: the runner reads the pattern
    async ({}, use) => {
      const browser = await launch()
      await use(browser)
      await browser.close()
    },
    { scope: 'file' },
  ],
  visit: [
    async ({ browser, service }, use) => {
      const server = await start({ databaseUrl: service.databaseUrl, publicUrl: 'https://example.com/some/tasks' })
      const proxy = await createPrefixProxy(prefix, server.url)
      await use(await open(browser, `http://localhost:${proxy.port}${prefix}/docs#/tasks/updateTask`))
      proxy.stop()
      await server.stop()
    },
    { scope: 'file' },
  ],
})

async function open(browser: Browser, url: string): Promise<Visit> {
  const context = await browser.newContext({ colorScheme: 'light' })
  context.setDefaultTimeout(timeoutMs)
  const page = await context.newPage()
  const trouble = watch(page, new URL(url).origin)
  await page.goto(url)
  await page.locator('.opblock').first().waitFor()
  return { page, trouble }
}

const timeoutMs = 30_000
const prefix = '/some/tasks'
const tagOf = (id: OperationId) => operations.find(each => each.operationId === id)?.tags?.[0]

describe('reading', () => {
  test('shows every operation, by tag and in the order of the spec', async ({ visit: { page, trouble } }) => {
    const inOrder = spec.tags.flatMap(({ name }) => operations.filter(({ tags }) => tags?.[0] === name))

    expect(await page.title()).toBe('Taskspec: API reference')
    expect(await page.locator('.info .title').textContent()).toContain('Taskspec')
    expect(await page.locator('.opblock-tag').evaluateAll(tags => tags.map(tag => tag.getAttribute('data-tag')))).toEqual(
      spec.tags.map(({ name }) => name),
    )
    expect(await page.locator('.opblock').evaluateAll(blocks => blocks.map(block => block.id))).toEqual(
      inOrder.map(({ operationId, tags }) => `operations-${tags?.[0]}-${operationId}`),
    )
    expect(await page.locator('.opblock-summary-operation-id').allInnerTexts()).toEqual(inOrder.map(({ operationId }) => operationId))
    expect(inOrder.length).toBe(operations.length)
    expect(trouble.splice(0)).toEqual([])
  })

  test('is about the contract: no bar of Swagger UI, no badge of a validator, the schemas folded at the end', async ({
    visit: { page },
  }) => {
    expect(await page.locator('.topbar, img[src*=validator]').count()).toBe(0)
    const kinds = spec.components.schemas.Problem?.properties?.type?.enum as string[]
    expect(await page.locator('.info table tbody tr').count()).toBe(kinds.length)
    const models = page.locator('section.models')
    expect(await models.locator('article').count()).toBe(0)
    await models.locator('.models-control').click()
    await models.locator('article').first().waitFor()
    // Of so many schemas, Swagger UI shows those that are in sight.
    const [last] = Object.keys(spec.components.schemas).slice(-1)
    const shown = async () => {
      await models.locator('.models-scroll').evaluate(list => list.scrollTo(0, list.scrollHeight))
      return (await models.locator('article').allInnerTexts()).at(-1)
    }
    await expect.poll(shown, { timeout: timeoutMs }).toContain(last)
    // Open, they would make every later click slow.
    await models.locator('.models-control').click()
    await models.locator('article').first().waitFor({ state: 'detached' })
  })

  test('opens the operation that the address names, and filters by path', async ({ visit: { page, trouble } }) => {
    await page.locator('.opblock.is-open').waitFor()
    expect(await page.locator('.opblock.is-open').evaluateAll(blocks => blocks.map(block => block.id))).toEqual([
      'operations-tasks-updateTask',
    ])
    expect(await page.locator('.opblock.is-open .opblock-description').textContent()).toContain('Changes only the fields that you send')
    await page.locator('[data-param-name=If-Match]').waitFor()
    expect(await page.locator('[data-param-name]').evaluateAll(rows => rows.map(row => row.getAttribute('data-param-name')))).toEqual([
      'userId',
      'taskId',
      'If-Match',
      'If-None-Match',
    ])

    const filter = page.getByPlaceholder('Filter by tag or path')
    const shown = () => expect.poll(() => page.locator('.opblock').count(), { timeout: timeoutMs })
    await filter.fill('categoryId')
    await shown().toBe(operations.filter(({ path }) => path.includes('categoryId')).length)
    await filter.fill('')
    await shown().toBe(operations.length)
    expect(trouble.splice(0)).toEqual([])
  })
})

// One visit, because each step costs a second of CPU.
test('authorises, creates a task, names every place where a body is wrong, and forgets the token with the page', async ({
  visit: { page, trouble },
  service,
}) => {
  const token = await tokenOf('reader')
  await authorise(page, token)
  expect(await page.evaluate('JSON.stringify([localStorage, sessionStorage, document.cookie])')).toBe('[{},{},""]')

  const created = await run(page, 'createTask')
  expect(created).toEqual({ status: '201', body: expect.objectContaining({ title: 'Book the ferry to Tallinn' }) })
  const { body: listed } = await client(service.url, token).listTasks()
  expect(listed.items).toEqual([created.body])
  expect(trouble.splice(0)).toEqual([])

  const { status, body } = await run(page, 'createTask', '{ "title": "", "prioritee": "high" }')
  expect(status).toMatch(/^422/)
  expect(body).toMatchObject({
    type: '/problems/invalid-request',
    errors: [
      { pointer: '/prioritee', code: 'unknown' },
      { pointer: '/title', code: 'minLength' },
      { pointer: '/title', code: 'pattern' },
    ],
  })
  expect(trouble.splice(0)).toEqual([`422 POST ${prefix}/v1/users/me/tasks`])

  await page.evaluate("history.replaceState(null, '', '#/users/getUser')")
  await page.emulateMedia({ colorScheme: 'dark' })
  await page.reload()
  await page.locator('.opblock.is-open').waitFor()
  expect(await run(page, 'getUser')).toMatchObject({ status: '401', body: { type: '/problems/unauthenticated' } })
  expect(trouble.splice(0)).toEqual([`401 GET ${prefix}/v1/users/me`])
})

// The contrast depends on the colour scheme, and what fits depends on the width, so two looks cover both.
test('is legible in dark mode on a phone and in light mode on a desktop', async ({ visit: { page, trouble }, onTestFailed }) => {
  await page.locator('.models-control').click()
  await page.locator('section.models article').first().waitFor()

  const screenshot = fileURLToPath(new URL('../../.artifacts/docs/failed.png', import.meta.url))
  onTestFailed(async () => void (await page.screenshot({ path: screenshot, fullPage: true })))
  for (const [colorScheme, width] of [
    ['dark', 390],
    ['light', 1440],
  ] as const) {
    await page.emulateMedia({ colorScheme })
    await page.setViewportSize({ width, height: 900 })
    await page.locator(colorScheme === 'dark' ? 'html.dark-mode' : 'html:not(.dark-mode)').waitFor()
    const animations = () => page.evaluate('document.getAnimations().length')
    await expect.poll(animations, { message: 'no colour changes any more', timeout: timeoutMs }).toBe(0)

    expect(await page.evaluate('document.documentElement.scrollWidth'), colorScheme).toBe(width)
    expect(await page.locator('.info *, .opblock-summary *').evaluateAll(outside, width), colorScheme).toEqual([])
    const all = await page.locator('.swagger-ui *').evaluateAll(texts)
    expect(all.length, colorScheme).toBeGreaterThan(400)
    expect(
      all.filter(text => contrast(text) < 4.5).map(({ words, path }) => `${words} (${path})`),
      colorScheme,
    ).toEqual([])
  }
  expect(trouble.splice(0)).toEqual([])
})

/** A proxy that publishes a server under a prefix. */
async function createPrefixProxy(prefix: string, url: string) {
  const proxy = createServer((received, response) => {
    const { method = '', url: target = '', headers } = received
    if (!target.startsWith(prefix)) return void response.writeHead(404).end()
    const forwarded = request(url + target.slice(prefix.length), { method, headers }, reply => {
      response.writeHead(reply.statusCode ?? 502, reply.headers)
      reply.pipe(response)
    })
    received.pipe(forwarded)
  }).listen(0)
  await once(proxy, 'listening')
  return {
    port: (proxy.address() as AddressInfo).port,
    stop() {
      proxy.close()
      proxy.closeAllConnections()
    },
  }
}

function watch(page: Page, origin: string): string[] {
  const trouble: string[] = []
  page.on('request', request => {
    const url = new URL(request.url())
    if (url.origin !== origin && url.protocol !== 'data:') trouble.push(`${request.url()} is elsewhere`)
  })
  page.on('requestfailed', request => trouble.push(`${request.url()} failed: ${request.failure()?.errorText}`))
  page.on('response', response => {
    if (response.status() >= 400) trouble.push(`${response.status()} ${response.request().method()} ${new URL(response.url()).pathname}`)
  })
  page.on('pageerror', error => trouble.push(String(error)))
  page.on('console', message => {
    // Chromium logs each failed response, which the listener above has already recorded.
    if (['error', 'warning'].includes(message.type()) && !message.text().startsWith('Failed to load resource')) trouble.push(message.text())
  })
  return trouble
}

async function authorise(page: Page, token: string) {
  await page.locator('.auth-wrapper').getByRole('button', { name: 'Authorize' }).click()
  await page.locator('.modal-ux input').fill(token)
  await page.locator('.modal-ux input').press('Enter')
  await page.locator('.modal-ux').getByRole('button', { name: 'Remove authorization' }).waitFor()
  await page.locator('.modal-ux').getByRole('button', { name: 'Close' }).click()
}

/** Opens an operation, sends the content of its form, or another body, and returns the reply that the page shows. */
async function run(page: Page, id: OperationId, sent?: string): Promise<{ status: string; body: unknown }> {
  const operation = page.locator(`#operations-${tagOf(id)}-${id}`)
  if ((await operation.locator('.opblock-body').count()) === 0) await operation.locator('.opblock-summary-control').click()
  const reply = operation.locator('.live-responses-table .response')
  const clear = operation.getByRole('button', { name: 'Clear' })
  if ((await clear.count()) > 0) {
    await clear.click()
    await reply.first().waitFor({ state: 'detached' })
  } else await operation.getByRole('button', { name: 'Try it out' }).click()
  if (sent !== undefined) await operation.locator('textarea.body-param__text').fill(sent)
  await operation.getByRole('button', { name: 'Execute' }).click()
  const body = await reply.locator('.highlight-code code').first().textContent()
  return { status: (await reply.locator('.response-col_status').textContent()) ?? '', body: JSON.parse(body ?? '') }
}
