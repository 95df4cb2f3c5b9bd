// The headers of every answer of the Worker. Files in dist/client have theirs in public/_headers.

export function contentPolicy(nonce: string, backend: string): string {
  const { origin } = new URL(backend)
  return [
    "default-src 'none'",
    `script-src 'nonce-${nonce}' 'strict-dynamic'`,
    // The bar of moods sets its proportions in style attributes.
    "style-src 'self'",
    "style-src-attr 'unsafe-inline'",
    "img-src 'self'",
    `connect-src 'self' ${origin} ${origin.replace(/^http/, 'ws')}`,
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

/** What to add to an answer that has `present` already; a route's own choice of caching and policy stands. */
export function answerHeaders(policy: string | null, present: Headers): [string, string][] {
  const wanted: [string, string][] = [
    ['X-Content-Type-Options', 'nosniff'],
    ['X-Frame-Options', 'DENY'],
    ['Referrer-Policy', 'strict-origin-when-cross-origin'],
    ['Permissions-Policy', 'camera=(), geolocation=(), microphone=()'],
    // A page belongs to one visitor; no cache may hand it to another.
    ['Cache-Control', 'private, no-store'],
  ]
  if (policy !== null && present.get('Content-Type')?.startsWith('text/html')) {
    wanted.push(['Content-Security-Policy', policy])
  }
  return wanted.filter(([name]) => !present.has(name))
}
