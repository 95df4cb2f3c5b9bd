import dns from 'node:dns'
import { existsSync } from 'node:fs'
import { defineConfig } from '@playwright/test'

// Runs against an application that is already up somewhere: it starts nothing and leaves only vibes behind.
const baseURL = process.env.BASE_URL
if (!baseURL)
  throw new Error('BASE_URL must say where the application runs, for example http://localhost:8787')

const browsers = [
  process.env.CHROMIUM_PATH,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
]
const executablePath = browsers.find((path) => path && existsSync(path))
if (!executablePath)
  throw new Error('no Chromium found; set CHROMIUM_PATH or install it as /usr/bin/chromium')

// Where whoever calls wants report, traces and screenshots, and the headers that pass an access protection.
const report = process.env.E2E_REPORT
const headers = process.env.E2E_HEADERS

// A browser takes every name below localhost for this machine; the system's resolver, which Playwright's own requests
// ask, may not know such names.
const lookup: (name: string, options: dns.LookupAllOptions) => Promise<dns.LookupAddress[]> =
  dns.promises.lookup
Object.assign(dns.promises, {
  lookup: (name: string, options: dns.LookupAllOptions) =>
    lookup(name.endsWith('.localhost') ? 'localhost' : name, options),
})

export default defineConfig({
  testDir: 'e2e',
  outputDir: report ? `${report}/results` : 'test-results',
  // One after the other: the machine may be small, and the application limits how fast one author posts anyway.
  workers: 1,
  timeout: 30_000,
  expect: { timeout: 10_000 },
  reporter: report
    ? [
        ['list'],
        ['html', { outputFolder: `${report}/html`, open: 'never' }],
        ['junit', { outputFile: `${report}/junit.xml` }],
      ]
    : [['list']],
  forbidOnly: true,
  use: {
    baseURL,
    extraHTTPHeaders: headers ? JSON.parse(headers) : undefined,
    screenshot: 'only-on-failure',
    trace: report ? 'retain-on-failure' : 'off',
    launchOptions: {
      executablePath,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--disable-dev-shm-usage',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
})
