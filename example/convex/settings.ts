// The environment variables of this deployment; the only place that reads them.

import { env } from './_generated/server'
import { refuse } from './errors'

export type Setting = 'SITE_URL' | 'VIBE_SIGNING_KEY' | 'MODERATION_TOKEN'

/** Declared variables exist when code is pushed, but may be removed or emptied afterwards. */
export function setting(name: Setting): string | undefined {
  return env[name] || undefined
}

export function requiredSetting(name: Setting): string {
  return (
    setting(name) ??
    refuse('not_configured', `The environment variable ${name} of the Convex deployment is not set.`)
  )
}
