import { test } from '@playwright/test'

// Not a check: makes the picture for the documentation. SCREENSHOT=e2e/screenshot.png npm run e2e -- screenshot
const path = process.env.SCREENSHOT

const VIBES: [text: string, mood: string][] = [
  ['Good morning, everybody!', 'radiant'],
  ['Second coffee, first commit', 'mellow'],
  ['Rain again.', 'flat'],
  ['Nothing on fire. I checked twice.', 'radiant'],
  ['My build broke because of a trailing comma', 'stormy'],
  ['Has anybody tried the new rate limits yet?', 'curious'],
  ['Tea, a blanket, green checks', 'mellow'],
  ['First deploy of the week, and it was boring. Lovely.', 'radiant'],
]

test('screenshot', async ({ browser }) => {
  test.skip(path === undefined, 'only when SCREENSHOT names a file')
  for (const [text, mood] of VIBES) {
    const visitor = await browser.newContext()
    await visitor.request.post('/api/vibes', { form: { text, mood }, maxRedirects: 0 })
    await visitor.close()
  }
  const page = await browser.newPage({ viewport: { width: 1200, height: 800 } })
  await page.goto('/')
  await page.getByText('Live', { exact: true }).waitFor()
  await page.getByText('being checked').first().waitFor({ state: 'hidden' })
  await page.screenshot({ path, animations: 'disabled' })
})
