// What /health answers. It really asks: Convex runs a query that reads its database and proves that it holds the same
// signing key; the bindings are named when they are missing. Values of secrets never appear.

import { api } from '../../convex/_generated/api'
import { sign } from '../../shared/signing'
import type { Bindings } from './bindings.server'

const NEEDED = ['ENVIRONMENT', 'SITE_URL', 'SESSION_SECRET', 'VIBE_SIGNING_KEY', 'CACHE', 'UPLOADS'] as const

/** The one call that health needs; ConvexHttpClient has it. */
export interface Backend {
  query(
    name: typeof api.health.check,
    args: typeof api.health.check._args,
  ): Promise<typeof api.health.check._returnType>
}

export interface Health {
  status: 'ok' | 'failed'
  environment: string | null
  convex: {
    status: 'ok' | 'failed'
    milliseconds: number
    keys_agree: boolean
    missing: string[]
    error?: string
  }
  worker: { status: 'ok' | 'failed'; missing: string[] }
}

export async function examine(bindings: Bindings, backend: Backend, clock: () => number): Promise<Health> {
  const missing = NEEDED.filter((name) => bindings[name] === undefined || bindings[name] === '')
  const convex = await examineConvex(bindings, backend, clock)
  const healthy = missing.length === 0 && convex.status === 'ok'
  return {
    status: healthy ? 'ok' : 'failed',
    environment: bindings.ENVIRONMENT ?? null,
    convex,
    worker: { status: missing.length === 0 ? 'ok' : 'failed', missing },
  }
}

async function examineConvex(
  bindings: Bindings,
  backend: Backend,
  clock: () => number,
): Promise<Health['convex']> {
  const started = clock()
  const nonce = crypto.randomUUID()
  try {
    const signature = await sign(bindings.VIBE_SIGNING_KEY || 'none', 'health', nonce)
    const { keysAgree, missing } = await backend.query(api.health.check, { nonce, signature })
    const good = keysAgree && missing.length === 0
    return { status: good ? 'ok' : 'failed', milliseconds: clock() - started, keys_agree: keysAgree, missing }
  } catch (error) {
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    return {
      status: 'failed',
      milliseconds: clock() - started,
      keys_agree: false,
      missing: [],
      error: text.slice(0, 300),
    }
  }
}
