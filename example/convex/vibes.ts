// Posting and reading vibes.

import { v } from 'convex/values'
import type { Mood } from '../shared/moods'
import { authorName, isAuthorId } from '../shared/names'
import { MAX_TEXT, normalizeText, textLength } from '../shared/text'
import { checkTicket } from '../shared/ticket'
import { internal } from './_generated/api'
import type { Doc, Id } from './_generated/dataModel'
import { internalMutation, type MutationCtx, mutation, type QueryCtx, query } from './_generated/server'
import { refuse } from './errors'
import { mood } from './schema'
import { requiredSetting } from './settings'
import { countMood } from './tallies'

export const FEED_LENGTH = 40
const BURST = { posts: 5, windowMs: 15_000 }

export const vibeView = v.object({
  id: v.id('vibes'),
  text: v.string(),
  mood,
  author: v.string(),
  name: v.string(),
  checked: v.boolean(),
  postedAt: v.number(),
})

function view(vibe: Doc<'vibes'>) {
  return {
    id: vibe._id,
    text: vibe.text,
    mood: vibe.mood,
    author: vibe.author,
    name: vibe.source === 'webhook' ? 'Webhook' : authorName(vibe.author),
    checked: vibe.status === 'approved',
    postedAt: vibe.postedAt,
  }
}

export async function newestVibes(ctx: QueryCtx, limit: number) {
  const vibes = await ctx.db
    .query('vibes')
    .withIndex('by_shown_postedAt', (range) => range.eq('shown', true))
    .order('desc')
    .take(limit)
  return vibes.map(view)
}

/** What the page lists, newest first. */
export const recent = query({
  args: {},
  returns: v.array(vibeView),
  handler: (ctx) => newestVibes(ctx, FEED_LENGTH),
})

/** Puts a vibe in, counts it and asks for its moderation, in one transaction. */
export async function insertVibe(
  ctx: MutationCtx,
  vibe: { text: string; mood: Mood; author: string; source: Doc<'vibes'>['source'] },
): Promise<Id<'vibes'>> {
  const text = normalizeText(vibe.text)
  if (text === '') refuse('text_empty', 'Write a few words first.')
  if (textLength(text) > MAX_TEXT) refuse('text_too_long', `Keep it to ${MAX_TEXT} characters.`)
  const id = await ctx.db.insert('vibes', { ...vibe, text, status: 'new', shown: true, postedAt: Date.now() })
  await countMood(ctx, vibe.mood, 1)
  await ctx.scheduler.runAfter(0, internal.moderation.review, { vibe: id })
  return id
}

/** Post as the author whom the Worker vouches for. */
export const post = mutation({
  args: {
    text: v.string(),
    mood,
    ticket: v.object({ author: v.string(), issuedAt: v.number(), signature: v.string() }),
  },
  returns: v.id('vibes'),
  handler: async (ctx, { text, mood, ticket }) => {
    const now = Date.now()
    const word = await checkTicket(requiredSetting('VIBE_SIGNING_KEY'), ticket, now)
    if (word === 'forged' || !isAuthorId(ticket.author))
      refuse('ticket_forged', 'This page is not allowed to post.')
    if (word === 'expired') refuse('ticket_expired', 'This page is too old to post; reload it.')
    const lately = await ctx.db
      .query('vibes')
      .withIndex('by_author_postedAt', (range) =>
        range.eq('author', ticket.author).gt('postedAt', now - BURST.windowMs),
      )
      .take(BURST.posts)
    if (lately.length >= BURST.posts) refuse('too_fast', 'That was quick. Take a breath, then post again.')
    return insertVibe(ctx, { text, mood, author: ticket.author, source: 'page' })
  },
})

/** Post on behalf of an integration; the HTTP action has checked its signature. */
export const postFromWebhook = internalMutation({
  args: { text: v.string(), mood, author: v.string() },
  returns: v.id('vibes'),
  handler: (ctx, args) => insertVibe(ctx, { ...args, source: 'webhook' }),
})
