import { describe, expect, test } from 'vitest'
import { api } from '../../convex/_generated/api'
import { sign } from '../../shared/signing'
import { ANNA, deployment, KEY, NOON, standardBackend, ticketOf } from './backend'

standardBackend()

describe('GET /vibes.json', () => {
  test('gives the public part of the newest vibes to any site', async () => {
    const t = deployment()
    await t.mutation(api.vibes.post, { text: 'Hello', mood: 'mellow', ticket: await ticketOf(ANNA) })
    const answer = await t.fetch('/vibes.json')
    expect(answer.status).toBe(200)
    expect(answer.headers.get('Access-Control-Allow-Origin')).toBe('*')
    const feed = await answer.json()
    expect(feed.site).toBe('https://vibes.example')
    expect(feed.vibes).toEqual([
      { text: 'Hello', mood: 'mellow', name: expect.any(String), postedAt: '2026-11-22T12:00:00.000Z' },
    ])
  })
})

describe('POST /webhook', () => {
  const body = JSON.stringify({ text: 'Build 42 is green', mood: 'radiant' })

  async function send(content: string, { key = KEY, timestamp = NOON, signed = content } = {}) {
    const t = deployment()
    const answer = await t.fetch('/webhook', {
      method: 'POST',
      headers: {
        'x-vibe-timestamp': String(timestamp),
        'x-vibe-signature': await sign(key, 'webhook', `${timestamp}.${signed}`),
      },
      body: content,
    })
    return { status: answer.status, vibes: await t.query(api.vibes.recent, {}) }
  }

  test('posts what is signed with the shared key', async () => {
    const { status, vibes } = await send(body)
    expect(status).toBe(201)
    expect(vibes).toMatchObject([{ text: 'Build 42 is green', mood: 'radiant' }])
  })

  test.each([
    ['another key', body, { key: 'another' }, 401],
    ['a body changed after signing', body, { signed: '{}' }, 401],
    ['a signature of yesterday', body, { timestamp: NOON - 86_400_000 }, 401],
    ['a timestamp that is no number', body, { timestamp: Number.NaN }, 401],
    ['no JSON', 'hello', {}, 400],
    ['an unknown mood', '{"text":"x","mood":"grumpy"}', {}, 400],
    ['too much', JSON.stringify({ text: 'x'.repeat(5000), mood: 'flat' }), {}, 413],
  ])('refuses %s', async (_, content, options, expected) => {
    const { status, vibes } = await send(content, options)
    expect(status).toBe(expected)
    expect(vibes).toEqual([])
  })
})
