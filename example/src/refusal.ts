// What to tell a person when Convex refused: its own words when it meant them for us, ours otherwise.

import { ConvexError } from 'convex/values'

type RefusalData = { code: string; message: string }

function refusalData(error: unknown): RefusalData | null {
  if (!(error instanceof ConvexError)) return null
  const data: unknown = error.data
  if (typeof data !== 'object' || data === null || !('code' in data) || !('message' in data)) return null
  return typeof data.code === 'string' && typeof data.message === 'string'
    ? { code: data.code, message: data.message }
    : null
}

export function refusalMessage(error: unknown): string {
  return refusalData(error)?.message ?? 'That did not work. Please try again.'
}

export function refusalCode(error: unknown): string | null {
  return refusalData(error)?.code ?? null
}
