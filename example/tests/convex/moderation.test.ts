import { describe, expect, test } from 'vitest'
import { api, internal } from '../../convex/_generated/api'
import { isUnwelcome } from '../../convex/moderation'
import { ANNA, deployment, standardBackend, TOKEN, ticketOf } from './backend'

standardBackend()

async function posted(text: string) {
  const t = deployment()
  const vibe = await t.mutation(api.vibes.post, { text, mood: 'curious', ticket: await ticketOf(ANNA) })
  const listed = () => t.query(api.vibes.recent, {})
  const total = async () => (await t.query(api.stats.summary, {})).total
  const decide = (verdict: string, headers: Record<string, string> = { Authorization: `Bearer ${TOKEN}` }) =>
    t.fetch('/moderate', { method: 'POST', headers, body: JSON.stringify({ vibe, verdict }) })
  return { t, vibe, listed, total, decide }
}

describe('the scheduled review', () => {
  test('marks a decent vibe as checked', async () => {
    const { t, listed } = await posted('What a day')
    expect(await listed()).toMatchObject([{ checked: false }])
    await t.settle()
    expect(await listed()).toMatchObject([{ checked: true }])
  })

  test('hides an unwelcome vibe and takes it out of the count', async () => {
    const { t, listed, total } = await posted('You grumblefudge')
    expect(await total()).toBe(1)
    await t.settle()
    expect(await listed()).toEqual([])
    expect(await total()).toBe(0)
  })

  test('leaves alone what a person has decided before it ran', async () => {
    const { t, vibe, listed } = await posted('You grumblefudge')
    await t.mutation(internal.moderation.decide, { vibe, verdict: 'approved' })
    await t.settle()
    expect(await listed()).toMatchObject([{ checked: true }])
  })
})

test.each([
  ['one link https://example.org is fine', false],
  ['two links https://a.example and http://b.example are not', true],
  ['BUY FOLLOWERS here', true],
  ['I grumble, therefore I fudge', false],
])('%j: unwelcome is %s', (text, verdict) => {
  expect(isUnwelcome(text)).toBe(verdict)
})

describe('POST /moderate', () => {
  test('hides a vibe, and shows it again, counting each once', async () => {
    const { decide, listed, total } = await posted('Fine words')
    expect((await decide('hidden')).status).toBe(200)
    await decide('hidden')
    expect(await listed()).toEqual([])
    expect(await total()).toBe(0)
    await decide('approved')
    expect(await listed()).toHaveLength(1)
    expect(await total()).toBe(1)
  })

  test.each<Record<string, string>>([{}, { Authorization: 'Bearer wrong' }, { Authorization: TOKEN }])(
    'refuses the headers %j and changes nothing',
    async (headers) => {
      const { decide, listed } = await posted('Fine words')
      expect((await decide('hidden', headers)).status).toBe(401)
      expect(await listed()).toHaveLength(1)
    },
  )

  test('answers 400 to a verdict it does not know and 404 to a vibe that is not there', async () => {
    const { t, decide } = await posted('Fine words')
    expect((await decide('maybe')).status).toBe(400)
    const answer = await t.fetch('/moderate', {
      method: 'POST',
      headers: { Authorization: `Bearer ${TOKEN}` },
      body: JSON.stringify({ vibe: 'no such id', verdict: 'hidden' }),
    })
    expect(answer.status).toBe(404)
  })
})
