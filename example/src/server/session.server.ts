// Who a visitor is: an invented author, remembered in a cookie that only this Worker can write. No personal data.

import { isAuthorId } from '../../shared/names'
import { sign, verify } from '../../shared/signing'

export const COOKIE = 'vibe_session'
export const COOKIE_SECONDS = 180 * 24 * 60 * 60

export function newAuthor(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(20))
  return Array.from(bytes, (byte) => (byte % 36).toString(36)).join('')
}

export async function sealSession(secret: string, author: string): Promise<string> {
  return `${author}.${await sign(secret, 'session', author)}`
}

/** The author in a cookie's value, or null when it is missing, changed, or signed with another secret. */
export async function openSession(secret: string, value: string | undefined): Promise<string | null> {
  const [author, signature, ...rest] = (value ?? '').split('.')
  if (!isAuthorId(author) || signature === undefined || rest.length > 0) return null
  return (await verify(secret, 'session', author, signature)) ? author : null
}
