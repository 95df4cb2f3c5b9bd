// The summary for those who ask often and can wait a minute: kept in KV, asked of Convex once per minute at most.

import type { Cache } from './bindings.server'

const KEY = 'summary:v1'
// KV keeps nothing for less than a minute.
const SECONDS = 60

export interface CachedSummary<Summary> {
  cached_at: string
  summary: Summary
}

function isCached(value: unknown): value is CachedSummary<never> {
  return typeof value === 'object' && value !== null && 'cached_at' in value && 'summary' in value
}

export async function cachedSummary<Summary>(
  cache: Cache,
  fetchSummary: () => Promise<Summary>,
  now: () => Date,
): Promise<{ hit: boolean; body: CachedSummary<Summary> }> {
  const kept = await cache.get(KEY, 'json')
  if (isCached(kept)) return { hit: true, body: kept }
  const body = { cached_at: now().toISOString(), summary: await fetchSummary() }
  await cache.put(KEY, JSON.stringify(body), { expirationTtl: SECONDS })
  return { hit: false, body }
}
