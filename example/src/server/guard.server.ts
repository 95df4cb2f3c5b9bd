// Refuses what another site's page sends with our visitor's cookie (SameSite=Lax leaves gaps, subdomains for one).

/** True when the request comes from our own page, or from no page at all (curl, a script). */
export function fromOwnPage(request: Request): boolean {
  const site = request.headers.get('Sec-Fetch-Site')
  if (site !== null) return site === 'same-origin' || site === 'none'
  const origin = request.headers.get('Origin')
  return origin === null || origin === new URL(request.url).origin
}

/** Reads a body up to a limit; null when it is larger. Never holds more than the limit in memory. */
export async function readLimited(request: Request, limit: number): Promise<ArrayBuffer | null> {
  if (Number(request.headers.get('Content-Length') ?? 0) > limit) return null
  const reader = request.body?.getReader()
  if (reader === undefined) return new ArrayBuffer(0)
  const parts: Uint8Array[] = []
  let size = 0
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    size += next.value.byteLength
    if (size > limit) {
      await reader.cancel()
      return null
    }
    parts.push(next.value)
  }
  const whole = new Uint8Array(size)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.byteLength
  }
  return whole.buffer
}
