// Counts per mood, kept in the same transaction as the vibes that they count.

import type { Mood } from '../shared/moods'
import { MOODS } from '../shared/moods'
import type { MutationCtx, QueryCtx } from './_generated/server'

export async function countMood(ctx: MutationCtx, mood: Mood, by: 1 | -1): Promise<void> {
  const tally = await ctx.db
    .query('tallies')
    .withIndex('by_mood', (range) => range.eq('mood', mood))
    .unique()
  if (tally === null) await ctx.db.insert('tallies', { mood, count: Math.max(0, by) })
  else await ctx.db.patch(tally._id, { count: Math.max(0, tally.count + by) })
}

export async function moodCounts(ctx: QueryCtx): Promise<{ mood: Mood; count: number }[]> {
  const tallies = await ctx.db.query('tallies').take(MOODS.length)
  return MOODS.map((mood) => ({ mood, count: tallies.find((tally) => tally.mood === mood)?.count ?? 0 }))
}
