// The smallest Worker that has everything: assets, a variable, secrets, KV, and a backend that it asks.
const convex = '__CONVEX_URL__'

export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url)
    if (pathname === '/health') {
      const body = JSON.stringify({ path: 'health:ping', args: {}, format: 'json' })
      const headers = { 'Content-Type': 'application/json' }
      const answer = await fetch(`${convex}/api/query`, { method: 'POST', headers, body })
      const { status } = await answer.json()
      return Response.json({ backend: status }, { status: status === 'success' ? 200 : 503 })
    }
    if (pathname === '/bindings') {
      const text = new TextEncoder().encode(env.SESSION_SECRET)
      const hash = await crypto.subtle.digest('SHA-256', text)
      const secret = [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
      return Response.json({ environment: env.ENVIRONMENT, secret, cache: Boolean(env.CACHE), uploads: Boolean(env.UPLOADS) })
    }
    return env.ASSETS.fetch(request)
  },
}
