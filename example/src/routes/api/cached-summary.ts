import { createFileRoute } from '@tanstack/react-router'
import { api } from '../../../convex/_generated/api'
import { bindings, required } from '../../server/bindings.server'
import { convexClient } from '../../server/convex.server'
import { cachedSummary } from '../../server/summary.server'

export const Route = createFileRoute('/api/cached-summary')({
  server: {
    handlers: {
      GET: async () => {
        const fetchSummary = () => convexClient().query(api.stats.summary, {})
        const answer = cachedSummary(required(bindings(), 'CACHE'), fetchSummary, () => new Date())
        return answer.then(
          ({ hit, body }) => Response.json(body, { headers: { 'X-Cache': hit ? 'hit' : 'miss' } }),
          (error: unknown) => {
            console.error('no summary:', error)
            return Response.json({ problem: 'The backend does not answer.' }, { status: 503 })
          },
        )
      },
    },
  },
})
