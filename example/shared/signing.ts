// Signatures with a shared secret (HMAC-SHA-256). The Worker and Convex hold the same VIBE_SIGNING_KEY: what one
// signs, the other can trust. Each use has its own purpose, so a signature made for one is worthless for another.
// Knows nothing of requests, cookies or databases.

export type Purpose = 'session' | 'ticket' | 'health' | 'webhook'

const encoder = new TextEncoder()

async function importKey(secret: string): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', encoder.encode(secret), { name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
    'verify',
  ])
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function fromHex(text: string): Uint8Array<ArrayBuffer> | null {
  if (text.length !== 64 || !/^[0-9a-f]+$/.test(text)) return null
  return Uint8Array.from({ length: 32 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16))
}

export async function sign(secret: string, purpose: Purpose, message: string): Promise<string> {
  const key = await importKey(secret)
  return toHex(
    new Uint8Array(await crypto.subtle.sign('HMAC', key, encoder.encode(`${purpose}\n${message}`))),
  )
}

/** True only for the exact message, purpose and secret; the comparison takes constant time. */
export async function verify(
  secret: string,
  purpose: Purpose,
  message: string,
  signature: string,
): Promise<boolean> {
  const bytes = fromHex(signature)
  if (bytes === null) return false
  const key = await importKey(secret)
  return crypto.subtle.verify('HMAC', key, bytes, encoder.encode(`${purpose}\n${message}`))
}

/** Compares without telling by its duration where the first difference is. */
export function sameText(left: string, right: string): boolean {
  const [a, b] = [encoder.encode(left), encoder.encode(right)]
  let difference = a.length ^ b.length
  for (let i = 0; i < a.length; i += 1) difference |= (a[i] ?? 0) ^ (b[i] ?? 0)
  return difference === 0
}
