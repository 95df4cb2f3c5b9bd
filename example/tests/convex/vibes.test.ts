import { describe, expect, test, vi } from 'vitest'
import { api } from '../../convex/_generated/api'
import { authorName } from '../../shared/names'
import { TICKET_LIFETIME_MS } from '../../shared/ticket'
import { ANNA, BORIS, deployment, standardBackend, ticketOf } from './backend'

standardBackend()

const refused = (code: string) => expect.objectContaining({ data: expect.objectContaining({ code }) })

describe('posting', () => {
  test('a posted vibe is listed at once, under the name that belongs to its author', async () => {
    const t = deployment()
    await t.mutation(api.vibes.post, { text: 'Good morning', mood: 'radiant', ticket: await ticketOf(ANNA) })
    const [vibe] = await t.query(api.vibes.recent, {})
    expect(vibe).toMatchObject({
      text: 'Good morning',
      mood: 'radiant',
      author: ANNA,
      name: authorName(ANNA),
    })
  })

  test('vibes are listed newest first', async () => {
    const t = deployment()
    for (const text of ['one', 'two', 'three']) {
      await t.mutation(api.vibes.post, { text, mood: 'flat', ticket: await ticketOf(ANNA) })
      vi.advanceTimersByTime(1000)
    }
    const vibes = await t.query(api.vibes.recent, {})
    expect(vibes.map((vibe) => vibe.text)).toEqual(['three', 'two', 'one'])
  })

  test('spaces, line breaks and invisible characters are tidied', async () => {
    const t = deployment()
    const text = '  hello\n\n there\u202e \u200b friend '
    await t.mutation(api.vibes.post, { text, mood: 'flat', ticket: await ticketOf(ANNA) })
    expect((await t.query(api.vibes.recent, {}))[0]?.text).toBe('hello there friend')
  })

  test.each([
    ['   \n ', 'text_empty'],
    ['x'.repeat(281), 'text_too_long'],
  ])('the text %j is refused as %s', async (text, code) => {
    const t = deployment()
    const attempt = t.mutation(api.vibes.post, { text, mood: 'flat', ticket: await ticketOf(ANNA) })
    await expect(attempt).rejects.toThrow()
    await expect(attempt).rejects.toEqual(refused(code))
    expect(await t.query(api.vibes.recent, {})).toEqual([])
  })

  test('280 emoji are 280 characters', async () => {
    const t = deployment()
    await t.mutation(api.vibes.post, { text: '🌊'.repeat(280), mood: 'flat', ticket: await ticketOf(ANNA) })
    expect(await t.query(api.vibes.recent, {})).toHaveLength(1)
  })

  test('a mood that is not on the list does not pass the validator', async () => {
    const t = deployment()
    const vibe = { text: 'hm', mood: 'grumpy' as 'flat', ticket: await ticketOf(ANNA) }
    await expect(t.mutation(api.vibes.post, vibe)).rejects.toThrow(/Validator error/)
  })

  test('the sixth vibe within fifteen seconds is refused, for that author only', async () => {
    const t = deployment()
    for (let i = 0; i < 5; i += 1) {
      await t.mutation(api.vibes.post, { text: `vibe ${i}`, mood: 'flat', ticket: await ticketOf(ANNA) })
    }
    const sixth = { text: 'vibe 6', mood: 'flat' as const }
    await expect(t.mutation(api.vibes.post, { ...sixth, ticket: await ticketOf(ANNA) })).rejects.toEqual(
      refused('too_fast'),
    )
    await t.mutation(api.vibes.post, { ...sixth, ticket: await ticketOf(BORIS) })
    vi.advanceTimersByTime(15_001)
    await t.mutation(api.vibes.post, { ...sixth, ticket: await ticketOf(ANNA) })
  })
})

describe('the ticket', () => {
  const vibe = { text: 'hello', mood: 'flat' as const }

  test('one signed with another key is refused', async () => {
    const ticket = await ticketOf(ANNA, 'another key')
    await expect(deployment().mutation(api.vibes.post, { ...vibe, ticket })).rejects.toEqual(
      refused('ticket_forged'),
    )
  })

  test("Anna's ticket does not let Boris post", async () => {
    const ticket = { ...(await ticketOf(ANNA)), author: BORIS }
    await expect(deployment().mutation(api.vibes.post, { ...vibe, ticket })).rejects.toEqual(
      refused('ticket_forged'),
    )
  })

  test('an old one is refused as expired, so that the page can ask for a new one', async () => {
    const ticket = await ticketOf(ANNA)
    vi.advanceTimersByTime(TICKET_LIFETIME_MS + 1)
    await expect(deployment().mutation(api.vibes.post, { ...vibe, ticket })).rejects.toEqual(
      refused('ticket_expired'),
    )
  })

  test('without a signing key in the deployment the error names the variable', async () => {
    const ticket = await ticketOf(ANNA)
    vi.stubEnv('VIBE_SIGNING_KEY', '')
    await expect(deployment().mutation(api.vibes.post, { ...vibe, ticket })).rejects.toThrow(
      /VIBE_SIGNING_KEY/,
    )
  })
})
