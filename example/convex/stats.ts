// Numbers about vibes: live totals, and one row per day that a cron job keeps.

import { v } from 'convex/values'
import { MOODS } from '../shared/moods'
import { internalMutation, type MutationCtx, query } from './_generated/server'
import { mood } from './schema'
import { moodCounts } from './tallies'

const DAY_MS = 24 * 60 * 60 * 1000
const DAYS_KEPT = 90
const VIBES_PER_DAY = 4000

export const summary = query({
  args: {},
  returns: v.object({
    total: v.number(),
    moods: v.array(v.object({ mood, count: v.number() })),
    days: v.array(v.object({ day: v.string(), total: v.number(), topMood: v.union(mood, v.null()) })),
  }),
  handler: async (ctx) => {
    const moods = await moodCounts(ctx)
    const days = await ctx.db.query('days').withIndex('by_day').order('desc').take(7)
    return {
      total: moods.reduce((sum, { count }) => sum + count, 0),
      moods,
      days: days.map(({ day, total, topMood }) => ({ day, total, topMood })),
    }
  },
})

async function rollUpDay(ctx: MutationCtx, start: number): Promise<void> {
  const vibes = await ctx.db
    .query('vibes')
    .withIndex('by_shown_postedAt', (range) =>
      range
        .eq('shown', true)
        .gte('postedAt', start)
        .lt('postedAt', start + DAY_MS),
    )
    .take(VIBES_PER_DAY)
  const counts = MOODS.map((name) => ({ name, count: vibes.filter((vibe) => vibe.mood === name).length }))
  const top = counts.reduce((best, next) => (next.count > best.count ? next : best))
  const row = {
    day: new Date(start).toISOString().slice(0, 10),
    total: vibes.length,
    topMood: top.count > 0 ? top.name : null,
  }
  const known = await ctx.db
    .query('days')
    .withIndex('by_day', (range) => range.eq('day', row.day))
    .unique()
  if (known !== null) await ctx.db.replace(known._id, row)
  else if (row.total > 0) await ctx.db.insert('days', row)
}

/** Cron: counts today and yesterday again (late judgements change yesterday too) and forgets old rows. */
export const rollUp = internalMutation({
  args: {},
  returns: v.null(),
  handler: async (ctx) => {
    const today = Math.floor(Date.now() / DAY_MS) * DAY_MS
    await rollUpDay(ctx, today - DAY_MS)
    await rollUpDay(ctx, today)
    const oldest = new Date(today - DAYS_KEPT * DAY_MS).toISOString().slice(0, 10)
    const old = await ctx.db
      .query('days')
      .withIndex('by_day', (range) => range.lt('day', oldest))
      .take(DAYS_KEPT)
    await Promise.all(old.map((row) => ctx.db.delete(row._id)))
    return null
  },
})
