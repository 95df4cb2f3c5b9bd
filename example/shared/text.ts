// What a vibe's text may be. Used by the page for early advice and by Convex as the rule.

export const MAX_TEXT = 280

// Control characters, and the invisible marks that turn the direction of text around.
// biome-ignore lint/suspicious/noControlCharactersInRegex: removing control characters is the purpose
const INVISIBLE = /[\u0000-\u001f\u007f-\u009f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]+/g

/** One line, single spaces, nothing invisible. */
export function normalizeText(text: string): string {
  return text.normalize('NFC').replace(INVISIBLE, ' ').replace(/\s+/g, ' ').trim()
}

/** Length in code points, so that an emoji does not count twice. */
export function textLength(text: string): number {
  return [...text].length
}

/** Why the (normalized) text cannot be posted, or null. */
export function textProblem(text: string): string | null {
  if (text === '') return 'Write a few words first.'
  if (textLength(text) > MAX_TEXT) return `Keep it to ${MAX_TEXT} characters.`
  return null
}
