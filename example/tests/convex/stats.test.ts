import { expect, test, vi } from 'vitest'
import { api, internal } from '../../convex/_generated/api'
import crons from '../../convex/crons'
import { sign } from '../../shared/signing'
import { ANNA, BORIS, deployment, KEY, NOON, standardBackend, ticketOf } from './backend'

standardBackend()

const DAY = 86_400_000

test('the summary counts every mood as vibes come in', async () => {
  const t = deployment()
  for (const [author, mood] of [
    [ANNA, 'radiant'],
    [ANNA, 'stormy'],
    [BORIS, 'radiant'],
  ] as const) {
    await t.mutation(api.vibes.post, { text: 'x', mood, ticket: await ticketOf(author) })
  }
  const { total, moods } = await t.query(api.stats.summary, {})
  expect(total).toBe(3)
  expect(Object.fromEntries(moods.map(({ mood, count }) => [mood, count]))).toEqual({
    radiant: 2,
    mellow: 0,
    curious: 0,
    flat: 0,
    stormy: 1,
  })
})

test('the cron job writes one row per day, and running it again changes nothing', async () => {
  const t = deployment()
  await t.mutation(api.vibes.post, { text: 'x', mood: 'flat', ticket: await ticketOf(ANNA) })
  vi.setSystemTime(NOON + DAY)
  for (const mood of ['stormy', 'radiant', 'radiant'] as const) {
    await t.mutation(api.vibes.post, { text: 'x', mood, ticket: await ticketOf(ANNA) })
  }
  const expected = [
    { day: '2026-11-23', total: 3, topMood: 'radiant' },
    { day: '2026-11-22', total: 1, topMood: 'flat' },
  ]
  await t.mutation(internal.stats.rollUp, {})
  await t.mutation(internal.stats.rollUp, {})
  expect((await t.query(api.stats.summary, {})).days).toEqual(expected)
})

test('the cron job forgets days after three months', async () => {
  const t = deployment()
  await t.mutation(api.vibes.post, { text: 'x', mood: 'flat', ticket: await ticketOf(ANNA) })
  await t.mutation(internal.stats.rollUp, {})
  vi.setSystemTime(NOON + 91 * DAY)
  await t.mutation(internal.stats.rollUp, {})
  expect((await t.query(api.stats.summary, {})).days).toEqual([])
})

test('the cron job is scheduled', () => {
  expect(Object.values(crons.crons).map(({ name }) => name)).toEqual(['stats:rollUp'])
})

test('seeding fills an empty deployment once', async () => {
  const t = deployment()
  expect(await t.mutation(internal.seed.default, {})).toBe(3)
  expect(await t.mutation(internal.seed.default, {})).toBe(0)
  expect(await t.query(api.vibes.recent, {})).toHaveLength(3)
})

test('health tells whether the caller holds the same key, and which variables are missing', async () => {
  const t = deployment()
  const check = async (key: string) =>
    t.query(api.health.check, { nonce: 'n', signature: await sign(key, 'health', 'n') })
  expect(await check(KEY)).toEqual({ database: true, keysAgree: true, missing: [] })
  expect((await check('another')).keysAgree).toBe(false)
  vi.stubEnv('MODERATION_TOKEN', '')
  expect((await check(KEY)).missing).toEqual(['MODERATION_TOKEN'])
})
