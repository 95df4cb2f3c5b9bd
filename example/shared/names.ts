// A name for a visitor who never typed one: derived from the author's id, so nobody can choose somebody else's.

const MANNERS = [
  'Amber',
  'Brisk',
  'Calm',
  'Dapper',
  'Early',
  'Gentle',
  'Keen',
  'Lucky',
  'Merry',
  'Nimble',
  'Quiet',
  'Rustic',
  'Sunny',
  'Tidy',
  'Velvet',
  'Witty',
]
const ANIMALS = [
  'Badger',
  'Crane',
  'Dormouse',
  'Egret',
  'Finch',
  'Gecko',
  'Heron',
  'Ibex',
  'Lynx',
  'Marten',
  'Newt',
  'Otter',
  'Puffin',
  'Robin',
  'Stoat',
  'Wren',
]

const AUTHOR_ID = /^[0-9a-z]{20}$/

export function isAuthorId(value: unknown): value is string {
  return typeof value === 'string' && AUTHOR_ID.test(value)
}

/** A small, stable number from a text (FNV-1a); for picking names and colours, not for security. */
export function stableNumber(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0
  }
  return hash
}

export function authorName(authorId: string): string {
  const number = stableNumber(authorId)
  return `${MANNERS[number % 16]} ${ANIMALS[(number >>> 8) % 16]}`
}

/** The hue (0-359) of an author's generated picture. */
export function authorHue(authorId: string): number {
  return (stableNumber(authorId) >>> 4) % 360
}
