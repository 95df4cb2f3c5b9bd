// A ticket: the Worker's word to Convex that a visitor is a certain author. The browser carries it, cannot change
// it, and cannot make one. Without it anybody could post to the public mutation under any name.

import { sign, verify } from './signing'

export type Ticket = { author: string; issuedAt: number; signature: string }

export const TICKET_LIFETIME_MS = 12 * 60 * 60 * 1000
const CLOCK_SKEW_MS = 5 * 60 * 1000

const message = (author: string, issuedAt: number) => `${author}.${issuedAt}`

export async function issueTicket(secret: string, author: string, now: number): Promise<Ticket> {
  return { author, issuedAt: now, signature: await sign(secret, 'ticket', message(author, now)) }
}

export async function checkTicket(
  secret: string,
  ticket: Ticket,
  now: number,
): Promise<'good' | 'forged' | 'expired'> {
  const genuine = await verify(secret, 'ticket', message(ticket.author, ticket.issuedAt), ticket.signature)
  if (!genuine) return 'forged'
  if (ticket.issuedAt > now + CLOCK_SKEW_MS || ticket.issuedAt < now - TICKET_LIFETIME_MS) return 'expired'
  return 'good'
}
