import { expect, test } from 'vitest'
import { answerHeaders, contentPolicy } from '../../src/headers'

const names = (policy: string | null, present: Record<string, string>) =>
  answerHeaders(policy, new Headers(present)).map(([name]) => name)

test('the policy admits the scripts of this answer and the backend, over http and as a socket', () => {
  const policy = contentPolicy('n0nce', 'https://calm-otter-1.convex.cloud/')
  expect(policy).toContain("script-src 'nonce-n0nce' 'strict-dynamic'")
  expect(policy).toContain(
    "connect-src 'self' https://calm-otter-1.convex.cloud wss://calm-otter-1.convex.cloud;",
  )
  expect(policy).not.toContain("script-src 'self'")
  expect(contentPolicy('n', 'http://127.0.0.1:4000')).toContain('http://127.0.0.1:4000 ws://127.0.0.1:4000')
})

test('only pages get the policy, and nothing is cached unless the route says so', () => {
  expect(names('policy', { 'Content-Type': 'text/html; charset=utf-8' })).toContain('Content-Security-Policy')
  expect(names('policy', { 'Content-Type': 'application/json' })).not.toContain('Content-Security-Policy')
  expect(names(null, { 'Content-Type': 'text/html' })).not.toContain('Content-Security-Policy')
  expect(names(null, {})).toContain('Cache-Control')
  expect(names(null, { 'Cache-Control': 'public, max-age=60' })).not.toContain('Cache-Control')
})
