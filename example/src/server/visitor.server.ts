// Ties the session to the request at hand: reads the cookie, writes a new one when there is none.

import { getCookie, getRequestUrl, setCookie } from '@tanstack/react-start/server'
import { bindings, required } from './bindings.server'
import { COOKIE, COOKIE_SECONDS, newAuthor, openSession, sealSession } from './session.server'

/** The author of this request, or null; sets nothing. */
export async function knownAuthor(): Promise<string | null> {
  return openSession(required(bindings(), 'SESSION_SECRET'), getCookie(COOKIE))
}

export async function currentAuthor(): Promise<string> {
  const secret = required(bindings(), 'SESSION_SECRET')
  const known = await openSession(secret, getCookie(COOKIE))
  if (known !== null) return known
  const author = newAuthor()
  setCookie(COOKIE, await sealSession(secret, author), {
    httpOnly: true,
    sameSite: 'lax',
    // Plain http is for loopback only; the zone redirects everything else to https.
    secure: getRequestUrl().protocol === 'https:',
    path: '/',
    maxAge: COOKIE_SECONDS,
  })
  return author
}
