// The environment variables that these functions need. Declared, so that Convex refuses a push to a deployment that
// lacks one, instead of failing at the first visitor.

import { defineApp } from 'convex/server'
import { v } from 'convex/values'

export default defineApp({
  env: {
    MODERATION_TOKEN: v.string(),
    SITE_URL: v.string(),
    VIBE_SIGNING_KEY: v.string(),
  },
})
