// Errors that reach the caller with their data. Everything else that is thrown is our bug and stays vague in production.

import { ConvexError } from 'convex/values'

export type Refusal =
  | 'text_empty'
  | 'text_too_long'
  | 'too_fast'
  | 'ticket_forged'
  | 'ticket_expired'
  | 'not_configured'

export function refuse(code: Refusal, message: string): never {
  throw new ConvexError({ code, message })
}
