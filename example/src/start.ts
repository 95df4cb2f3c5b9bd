// What happens to every request that reaches the Worker, before and after the routes.

import { createCsrfMiddleware, createMiddleware, createStart } from '@tanstack/react-start'
import { CONVEX_URL } from './convex'
import { answerHeaders, contentPolicy } from './headers'

const headers = createMiddleware().server(async ({ next }) => {
  // The scripts of one answer carry this number and the policy names it: any other inline script is refused.
  const nonce = crypto.randomUUID()
  const result = await next({ context: { nonce } })
  // Vite's development server needs inline styles and sockets of its own.
  const policy = import.meta.env.DEV ? null : contentPolicy(nonce, CONVEX_URL)
  for (const [name, value] of answerHeaders(policy, result.response.headers)) {
    result.response.headers.set(name, value)
  }
  return result
})

const csrf = createCsrfMiddleware({ filter: ({ handlerType }) => handlerType === 'serverFn' })

export const startInstance = createStart(() => ({ requestMiddleware: [headers, csrf] }))
