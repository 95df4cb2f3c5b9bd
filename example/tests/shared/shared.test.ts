import { describe, expect, test } from 'vitest'
import { authorName, isAuthorId } from '../../shared/names'
import { sameText, sign, verify } from '../../shared/signing'
import { normalizeText, textProblem } from '../../shared/text'
import { ago } from '../../src/time'

describe('signatures', () => {
  test('hold for the same secret, purpose and message, and for nothing else', async () => {
    const signature = await sign('secret', 'ticket', 'message')
    expect(await verify('secret', 'ticket', 'message', signature)).toBe(true)
    expect(await verify('secret', 'session', 'message', signature)).toBe(false)
    expect(await verify('secret', 'ticket', 'message!', signature)).toBe(false)
    expect(await verify('secret!', 'ticket', 'message', signature)).toBe(false)
  })

  test.each(['', 'zz', 'A'.repeat(64), '0'.repeat(63), '0'.repeat(64)])(
    '%j is no signature',
    async (text) => {
      expect(await verify('secret', 'ticket', 'message', text)).toBe(false)
    },
  )

  test('texts are the same only when every byte is', () => {
    expect(sameText('Bearer ä', 'Bearer ä')).toBe(true)
    expect(sameText('Bearer a', 'Bearer ab')).toBe(false)
    expect(sameText('', 'a')).toBe(false)
  })
})

test('an author keeps the same name', () => {
  expect(authorName('0q7zpjiiiv7waig6hw7c')).toBe('Keen Newt')
})

test.each(['', 'short', 'A'.repeat(20), '../../../../etc/pass', null])('%j is no author id', (value) => {
  expect(isAuthorId(value)).toBe(false)
})

test('composed and decomposed letters become the same text', () => {
  expect(normalizeText('cafe\u0301')).toBe('caf\u00e9')
})

test('a text of 280 characters is fine and one more is not', () => {
  expect(textProblem('x'.repeat(280))).toBeNull()
  expect(textProblem('x'.repeat(281))).toMatch(/280/)
})

test.each([
  [-5_000, 'just now'],
  [59_000, 'just now'],
  [60_000, '1 min ago'],
  [3_600_000, '1 h ago'],
  [90_000_000, '2026-11-20'],
])('%d ms later a vibe is from %j', (later, words) => {
  const then = Date.UTC(2026, 10, 20, 12)
  expect(ago(then, then + later)).toBe(words)
})
