import type { Ticket } from '../shared/ticket'

export interface Visitor {
  author: string
  name: string
  ticket: Ticket
}
