import { cronJobs } from 'convex/server'
import { internal } from './_generated/api'

const crons = cronJobs()

crons.interval('roll up the days', { minutes: 10 }, internal.stats.rollUp, {})

export default crons
