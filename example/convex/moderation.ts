// A vibe is shown at once and looked at right after, so that posting never waits for the judgement.

import { v } from 'convex/values'
import type { Doc } from './_generated/dataModel'
import { internalMutation, type MutationCtx } from './_generated/server'
import { countMood } from './tallies'

// A demonstration's list: enough to see the mechanism work without printing anything rude.
const UNWELCOME = [/\bbuy followers\b/i, /\bfree crypto\b/i, /\bgrumblefudge\b/i]
const LINKS_ALLOWED = 1

export function isUnwelcome(text: string): boolean {
  const links = text.match(/\bhttps?:\/\//gi)?.length ?? 0
  return links > LINKS_ALLOWED || UNWELCOME.some((pattern) => pattern.test(text))
}

async function judge(ctx: MutationCtx, vibe: Doc<'vibes'>, verdict: 'approved' | 'hidden'): Promise<void> {
  const shown = verdict === 'approved'
  if (shown !== vibe.shown) await countMood(ctx, vibe.mood, shown ? 1 : -1)
  await ctx.db.patch(vibe._id, { status: verdict, shown })
}

/** Scheduled by every post. */
export const review = internalMutation({
  args: { vibe: v.id('vibes') },
  returns: v.null(),
  handler: async (ctx, args) => {
    const vibe = await ctx.db.get(args.vibe)
    // A person may have decided meanwhile; their word stands.
    if (vibe === null || vibe.status !== 'new') return null
    await judge(ctx, vibe, isUnwelcome(vibe.text) ? 'hidden' : 'approved')
    return null
  },
})

/** A moderator's decision; the HTTP action has checked the token. */
export const decide = internalMutation({
  args: { vibe: v.string(), verdict: v.union(v.literal('approved'), v.literal('hidden')) },
  returns: v.boolean(),
  handler: async (ctx, args) => {
    const id = ctx.db.normalizeId('vibes', args.vibe)
    const vibe = id === null ? null : await ctx.db.get(id)
    if (vibe === null) return false
    await judge(ctx, vibe, args.verdict)
    return true
  },
})
