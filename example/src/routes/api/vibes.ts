// Posting without JavaScript, and for scripts that hold a session: the same mutation, called by the Worker.

import { createFileRoute } from '@tanstack/react-router'
import { ConvexError } from 'convex/values'
import { api } from '../../../convex/_generated/api'
import { isMood } from '../../../shared/moods'
import { issueTicket } from '../../../shared/ticket'
import { refusalMessage } from '../../refusal'
import { bindings, required } from '../../server/bindings.server'
import { convexClient } from '../../server/convex.server'
import { fromOwnPage, readLimited } from '../../server/guard.server'
import { currentAuthor } from '../../server/visitor.server'

const MAX_BODY = 8 * 1024

function problem(message: string, status: number): Response {
  return new Response(`${message}\n`, { status, headers: { 'Content-Type': 'text/plain; charset=utf-8' } })
}

async function readForm(request: Request): Promise<FormData | null> {
  const body = await readLimited(request, MAX_BODY)
  if (body === null) return null
  const type = request.headers.get('Content-Type') ?? ''
  return new Response(body, { headers: { 'Content-Type': type } }).formData().catch(() => null)
}

export const Route = createFileRoute('/api/vibes')({
  server: {
    handlers: {
      POST: async ({ request }) => {
        if (!fromOwnPage(request)) return problem('Post from the page itself.', 403)
        const form = await readForm(request)
        const text = form?.get('text')
        const mood = form?.get('mood')
        if (typeof text !== 'string' || !isMood(mood)) return problem('A vibe has a text and a mood.', 400)
        const ticket = await issueTicket(
          required(bindings(), 'VIBE_SIGNING_KEY'),
          await currentAuthor(),
          Date.now(),
        )
        try {
          await convexClient().mutation(api.vibes.post, { text, mood, ticket })
        } catch (error) {
          if (error instanceof ConvexError) return problem(refusalMessage(error), 422)
          console.error('posting failed:', error)
          return problem('The backend does not answer. Please try again.', 503)
        }
        return new Response(null, { status: 303, headers: { Location: '/' } })
      },
    },
  },
})
