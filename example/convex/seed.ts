// First vibes for an empty deployment, such as that of a pull request: `convex run seed` or `convex deploy --preview-run seed`.

import { v } from 'convex/values'
import type { Mood } from '../shared/moods'
import { internalMutation } from './_generated/server'
import { insertVibe } from './vibes'

const FIRST: { text: string; mood: Mood; author: string }[] = [
  { text: 'Fresh deployment, fresh coffee.', mood: 'mellow', author: 'seed0000000000000001' },
  { text: 'What happens if I press this?', mood: 'curious', author: 'seed0000000000000002' },
  { text: 'All checks are green and the sun is out.', mood: 'radiant', author: 'seed0000000000000003' },
]

/** Does nothing where somebody has posted already, so it may run again. */
export default internalMutation({
  args: {},
  returns: v.number(),
  handler: async (ctx) => {
    if ((await ctx.db.query('vibes').first()) !== null) return 0
    for (const vibe of FIRST) await insertVibe(ctx, { ...vibe, source: 'seed' })
    return FIRST.length
  },
})
