// A Convex deployment for one test: the real functions on convex-test's database, with environment variables and a
// clock that stands still until the test moves it.

import { convexTest } from 'convex-test'
import { afterEach, beforeEach, vi } from 'vitest'
import schema from '../../convex/schema'
import { issueTicket } from '../../shared/ticket'

const modules = import.meta.glob('../../convex/**/*.{ts,js}')

export const KEY = 'test-signing-key'
export const TOKEN = 'test-moderation-token'
export const ANNA = 'annaaaaaaaaaaaaaaaaa'
export const BORIS = 'borisbbbbbbbbbbbbbbb'
export const NOON = Date.UTC(2026, 10, 22, 12)

export function standardBackend() {
  beforeEach(() => {
    vi.useFakeTimers({ now: NOON })
    vi.stubEnv('VIBE_SIGNING_KEY', KEY)
    vi.stubEnv('MODERATION_TOKEN', TOKEN)
    vi.stubEnv('SITE_URL', 'https://vibes.example')
  })
  afterEach(() => {
    vi.useRealTimers()
  })
}

export function deployment() {
  const t = convexTest({ schema, modules })
  return Object.assign(t, { settle: () => t.finishAllScheduledFunctions(vi.runAllTimers) })
}

export const ticketOf = (author: string, key = KEY, issuedAt = Date.now()) =>
  issueTicket(key, author, issuedAt)
