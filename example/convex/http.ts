// Plain HTTP for programs: a public feed, a signed webhook for integrations, a moderator's decision.

import { httpRouter } from 'convex/server'
import { isMood } from '../shared/moods'
import { sameText, verify } from '../shared/signing'
import { api, internal } from './_generated/api'
import { httpAction } from './_generated/server'
import { requiredSetting, setting } from './settings'

const MAX_BODY = 4096

function json(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(`${JSON.stringify(body)}\n`, {
    status,
    headers: { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store', ...headers },
  })
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null
  } catch {
    return null
  }
}

const http = httpRouter()

http.route({
  path: '/vibes.json',
  method: 'GET',
  handler: httpAction(async (ctx) => {
    const vibes = await ctx.runQuery(api.vibes.recent, {})
    const feed = vibes.map(({ text, mood, name, postedAt }) => ({
      text,
      mood,
      name,
      postedAt: new Date(postedAt).toISOString(),
    }))
    return json({ site: setting('SITE_URL') ?? null, vibes: feed }, 200, {
      'Access-Control-Allow-Origin': '*',
      'Cache-Control': 'public, max-age=5',
    })
  }),
})

// Header x-vibe-signature: hex HMAC-SHA-256 over "webhook\n<timestamp>.<body>"; x-vibe-timestamp: ms since the epoch.
http.route({
  path: '/webhook',
  method: 'POST',
  handler: httpAction(async (ctx, request) => {
    const body = await request.text()
    if (body.length > MAX_BODY) return json({ error: 'body_too_large' }, 413)
    const timestamp = request.headers.get('x-vibe-timestamp') ?? ''
    const signature = request.headers.get('x-vibe-signature') ?? ''
    const genuine = await verify(
      requiredSetting('VIBE_SIGNING_KEY'),
      'webhook',
      `${timestamp}.${body}`,
      signature,
    )
    if (!genuine) return json({ error: 'bad_signature' }, 401)
    if (!(Math.abs(Date.now() - Number(timestamp)) <= 5 * 60 * 1000)) return json({ error: 'too_old' }, 401)
    const vibe = parseObject(body)
    if (vibe === null || typeof vibe.text !== 'string' || !isMood(vibe.mood))
      return json({ error: 'bad_vibe' }, 400)
    const id = await ctx.runMutation(internal.vibes.postFromWebhook, {
      text: vibe.text,
      mood: vibe.mood,
      author: 'webhook',
    })
    return json({ id }, 201)
  }),
})

// Body {"vibe": id, "verdict": "approved" | "hidden"}, header Authorization: Bearer <MODERATION_TOKEN>.
http.route({
  path: '/moderate',
  method: 'POST',
  handler: httpAction(async (ctx, request) => {
    const token = requiredSetting('MODERATION_TOKEN')
    if (!sameText(request.headers.get('Authorization') ?? '', `Bearer ${token}`)) {
      return json({ error: 'unauthorized' }, 401)
    }
    const decision = parseObject(await request.text())
    const verdict = decision?.verdict
    if (typeof decision?.vibe !== 'string' || (verdict !== 'approved' && verdict !== 'hidden')) {
      return json({ error: 'bad_decision' }, 400)
    }
    const found = await ctx.runMutation(internal.moderation.decide, { vibe: decision.vibe, verdict })
    return found ? json({ verdict }) : json({ error: 'not_found' }, 404)
  }),
})

export default http
