import { queryGeneric } from 'convex/server'

export const ping = queryGeneric(() => 'pong')
