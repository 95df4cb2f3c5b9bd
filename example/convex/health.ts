// Proof for the Worker's /health that functions run, the database answers, and both sides hold the same signing key.

import { v } from 'convex/values'
import { verify } from '../shared/signing'
import { query } from './_generated/server'
import { type Setting, setting } from './settings'

const NEEDED: Setting[] = ['SITE_URL', 'VIBE_SIGNING_KEY', 'MODERATION_TOKEN']

export const check = query({
  args: { nonce: v.string(), signature: v.string() },
  returns: v.object({ database: v.boolean(), keysAgree: v.boolean(), missing: v.array(v.string()) }),
  handler: async (ctx, { nonce, signature }) => {
    await ctx.db.query('tallies').first()
    const secret = setting('VIBE_SIGNING_KEY')
    return {
      database: true,
      keysAgree: secret !== undefined && (await verify(secret, 'health', nonce, signature)),
      // Names, never values.
      missing: NEEDED.filter((name) => setting(name) === undefined),
    }
  },
})
