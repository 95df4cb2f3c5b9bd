// The moods a vibe can have: one list for the schema, the page and the tests, so that they cannot disagree.

export const MOODS = ['radiant', 'mellow', 'curious', 'flat', 'stormy'] as const

export type Mood = (typeof MOODS)[number]

export const MOOD_LABELS: Record<Mood, string> = {
  radiant: 'Radiant',
  mellow: 'Mellow',
  curious: 'Curious',
  flat: 'Flat',
  stormy: 'Stormy',
}

export function isMood(value: unknown): value is Mood {
  return MOODS.some((mood) => mood === value)
}
