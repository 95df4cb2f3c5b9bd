// The Worker's entry. Start does the work; this adds the headers that every answer of the Worker carries.

import handler, { createServerEntry } from '@tanstack/react-start/server-entry'

const HEADERS = {
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'strict-origin-when-cross-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
}

export default createServerEntry({
  async fetch(request) {
    const answer = await handler.fetch(request)
    const headers = new Headers(answer.headers)
    for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value)
    // Pages carry a visitor's session; nobody else may be given them from a cache.
    if (!headers.has('Cache-Control')) headers.set('Cache-Control', 'private, no-store')
    return new Response(answer.body, { status: answer.status, statusText: answer.statusText, headers })
  },
})
