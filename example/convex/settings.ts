// The environment variables of this deployment; the only place that reads them.

import { refuse } from './errors'

export type Setting = 'SITE_URL' | 'VIBE_SIGNING_KEY' | 'MODERATION_TOKEN'

export function setting(name: Setting): string | undefined {
  // An empty value is a mistake of whoever set it, not a value.
  return process.env[name] || undefined
}

export function requiredSetting(name: Setting): string {
  return (
    setting(name) ??
    refuse('not_configured', `The environment variable ${name} of the Convex deployment is not set.`)
  )
}
