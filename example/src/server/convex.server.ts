// The Worker's way to Convex: plain requests, each with an end, no connection that outlives the request.

import { ConvexHttpClient } from 'convex/browser'
import { CONVEX_URL } from '../convex'

const TIMEOUT_MS = 8000

export function convexClient(): ConvexHttpClient {
  return new ConvexHttpClient(CONVEX_URL, {
    logger: false,
    fetch: (input, init) => fetch(input, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) }),
  })
}
