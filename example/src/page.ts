// What the page needs before it can be painted: asked for on the Worker, once per visit.

import { createServerFn } from '@tanstack/react-start'
import { setResponseStatus } from '@tanstack/react-start/server'
import { api } from '../convex/_generated/api'
import { authorName } from '../shared/names'
import { issueTicket } from '../shared/ticket'
import { bindings, required } from './server/bindings.server'
import { convexClient } from './server/convex.server'
import { currentAuthor } from './server/visitor.server'

export const loadVisitor = createServerFn().handler(async () => {
  const author = await currentAuthor()
  const ticket = await issueTicket(required(bindings(), 'VIBE_SIGNING_KEY'), author, Date.now())
  return { author, name: authorName(author), ticket, site: bindings().SITE_URL ?? null }
})

export const loadFeed = createServerFn().handler(async () => {
  const client = convexClient()
  try {
    const [vibes, summary] = await Promise.all([
      client.query(api.vibes.recent, {}),
      client.query(api.stats.summary, {}),
    ])
    return { vibes, summary, now: Date.now() }
  } catch (error) {
    // The page is still worth painting: its live connection may succeed where this one request did not.
    console.error('first paint without data:', error)
    setResponseStatus(503)
    return { vibes: null, summary: null, now: Date.now() }
  }
})
