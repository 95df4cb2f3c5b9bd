import { createFileRoute } from '@tanstack/react-router'
import { bindings } from '../server/bindings.server'
import { convexClient } from '../server/convex.server'
import { examine } from '../server/health.server'

export const Route = createFileRoute('/health')({
  server: {
    handlers: {
      GET: async () => {
        const health = await examine(bindings(), convexClient(), Date.now)
        return Response.json(health, {
          status: health.status === 'ok' ? 200 : 503,
          headers: { 'Cache-Control': 'no-store' },
        })
      },
    },
  },
})
