import type { Ticket } from '../shared/ticket'

export interface Visitor {
  author: string
  name: string
  ticket: Ticket
  /** The address that search engines should remember, however this page was reached. */
  site: string | null
}
