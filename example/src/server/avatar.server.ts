// Pictures of authors: an uploaded one from the bucket, or one drawn from the author's id, so there is always one.

import { authorHue, authorName } from '../../shared/names'
import type { Bucket } from './bindings.server'

export const MAX_BYTES = 256 * 1024

const SIGNATURES: { type: string; matches: (bytes: Uint8Array) => boolean }[] = [
  { type: 'image/png', matches: (b) => startsWith(b, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]) },
  { type: 'image/jpeg', matches: (b) => startsWith(b, [0xff, 0xd8, 0xff]) },
  {
    type: 'image/webp',
    matches: (b) =>
      startsWith(b, [0x52, 0x49, 0x46, 0x46]) && startsWith(b.subarray(8), [0x57, 0x45, 0x42, 0x50]),
  },
]

function startsWith(bytes: Uint8Array, prefix: number[]): boolean {
  return prefix.every((byte, i) => bytes[i] === byte)
}

/** The type by content; what the uploader claims does not count. SVG is no picture here: it can carry scripts. */
export function imageType(bytes: Uint8Array): string | null {
  return SIGNATURES.find(({ matches }) => matches(bytes))?.type ?? null
}

const key = (author: string) => `avatars/${author}`

export function drawnAvatar(author: string): string {
  const hue = authorHue(author)
  const initials = authorName(author)
    .split(' ')
    .map((word) => word[0])
    .join('')
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48" width="48" height="48">` +
    `<rect width="48" height="48" fill="hsl(${hue} 45% 42%)"/>` +
    `<circle cx="${hue % 48}" cy="${48 - (hue % 37)}" r="26" fill="hsl(${(hue + 50) % 360} 50% 36%)"/>` +
    `<text x="24" y="30" fill="#fff" font-family="system-ui,sans-serif" font-size="17" font-weight="600" text-anchor="middle">${initials}</text></svg>`
  )
}

export async function readAvatar(bucket: Bucket, author: string): Promise<Response> {
  const headers = { 'Cache-Control': 'public, max-age=60', 'Content-Security-Policy': "default-src 'none'" }
  const stored = await bucket.get(key(author))
  if (stored === null) {
    return new Response(drawnAvatar(author), { headers: { ...headers, 'Content-Type': 'image/svg+xml' } })
  }
  const type = stored.httpMetadata?.contentType ?? 'application/octet-stream'
  return new Response(stored.body, { headers: { ...headers, 'Content-Type': type, ETag: stored.httpEtag } })
}

export type UploadOutcome = { status: 204 } | { status: 413 | 415; problem: string }

export async function storeAvatar(
  bucket: Bucket,
  author: string,
  content: ArrayBuffer,
): Promise<UploadOutcome> {
  if (content.byteLength > MAX_BYTES)
    return { status: 413, problem: `A picture may have ${MAX_BYTES / 1024} KiB.` }
  const type = imageType(new Uint8Array(content))
  if (type === null) return { status: 415, problem: 'A picture is a PNG, JPEG or WebP file.' }
  await bucket.put(key(author), content, { httpMetadata: { contentType: type } })
  return { status: 204 }
}
