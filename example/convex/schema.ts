import { defineSchema, defineTable } from 'convex/server'
import { v } from 'convex/values'
import { MOODS } from '../shared/moods'

export const mood = v.union(...MOODS.map((name) => v.literal(name)))

// new: shown at once, not looked at yet; approved: looked at; hidden: kept for the record, never shown.
export const status = v.union(v.literal('new'), v.literal('approved'), v.literal('hidden'))

export const source = v.union(v.literal('page'), v.literal('webhook'), v.literal('seed'))

export default defineSchema({
  vibes: defineTable({
    text: v.string(),
    mood,
    author: v.string(),
    source,
    status,
    // Not derived from `status`, so that one index range yields what may be shown, newest last.
    shown: v.boolean(),
    // Our own time, because _creationTime changes when a table is exported and imported.
    postedAt: v.number(),
  })
    .index('by_shown_postedAt', ['shown', 'postedAt'])
    .index('by_author_postedAt', ['author', 'postedAt'])
    .index('by_postedAt', ['postedAt']),

  // How many shown vibes each mood has; changed in the same transaction as the vibe.
  tallies: defineTable({ mood, count: v.number() }).index('by_mood', ['mood']),

  // One row per day (UTC), written by the cron job.
  days: defineTable({
    day: v.string(),
    total: v.number(),
    topMood: v.union(mood, v.null()),
  }).index('by_day', ['day']),
})
