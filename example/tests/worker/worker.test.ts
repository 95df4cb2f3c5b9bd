import { ConvexError } from 'convex/values'
import { describe, expect, test } from 'vitest'
import { isAuthorId } from '../../shared/names'
import { refusalCode, refusalMessage } from '../../src/refusal'
import { drawnAvatar, imageType, MAX_BYTES, readAvatar, storeAvatar } from '../../src/server/avatar.server'
import type { Bucket, Cache } from '../../src/server/bindings.server'
import { fromOwnPage, readLimited } from '../../src/server/guard.server'
import { type Backend, examine } from '../../src/server/health.server'
import { newAuthor, openSession, sealSession } from '../../src/server/session.server'
import { cachedSummary } from '../../src/server/summary.server'

const AUTHOR = '0q7zpjiiiv7waig6hw7c'
const PNG = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 1, 2, 3)

describe('the session cookie', () => {
  test('gives back the author it was made for', async () => {
    const author = newAuthor()
    expect(isAuthorId(author)).toBe(true)
    expect(await openSession('secret', await sealSession('secret', author))).toBe(author)
  })

  test('is worthless with another secret, another author, or a part too many', async () => {
    const sealed = await sealSession('secret', AUTHOR)
    expect(await openSession('other', sealed)).toBeNull()
    expect(await openSession('secret', sealed.replace(AUTHOR, newAuthor()))).toBeNull()
    expect(await openSession('secret', `${sealed}.x`)).toBeNull()
    expect(await openSession('secret', undefined)).toBeNull()
  })
})

describe('pictures', () => {
  function bucket(): Bucket {
    const objects = new Map<string, { content: ArrayBuffer; contentType: string }>()
    return {
      get: async (key) => {
        const found = objects.get(key)
        if (found === undefined) return null
        const { content, contentType } = found
        return { body: new Blob([content]).stream(), httpEtag: '"e"', httpMetadata: { contentType } }
      },
      put: async (key, content, { httpMetadata }) => objects.set(key, { content, ...httpMetadata }),
    }
  }

  test('an uploaded one is served with the type of its content', async () => {
    const uploads = bucket()
    expect(await storeAvatar(uploads, AUTHOR, PNG.buffer)).toEqual({ status: 204 })
    const answer = await readAvatar(uploads, AUTHOR)
    expect(answer.headers.get('Content-Type')).toBe('image/png')
    expect(new Uint8Array(await answer.arrayBuffer())).toEqual(PNG)
  })

  test('an author without one gets a drawn one, always the same', async () => {
    const answer = await readAvatar(bucket(), AUTHOR)
    expect(answer.headers.get('Content-Type')).toBe('image/svg+xml')
    expect(await answer.text()).toBe(drawnAvatar(AUTHOR))
  })

  test('what is no picture, an SVG included, or is too large, is refused', async () => {
    const svg = new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg"/>')
    expect(await storeAvatar(bucket(), AUTHOR, svg.buffer)).toMatchObject({ status: 415 })
    expect(await storeAvatar(bucket(), AUTHOR, new ArrayBuffer(MAX_BYTES + 1))).toMatchObject({ status: 413 })
  })

  test('the type is told by the content', () => {
    expect(imageType(Uint8Array.of(0xff, 0xd8, 0xff, 0xe0))).toBe('image/jpeg')
    expect(imageType(new TextEncoder().encode('RIFF0000WEBP'))).toBe('image/webp')
    expect(imageType(new TextEncoder().encode('RIFF0000WAVE'))).toBeNull()
    expect(imageType(new Uint8Array())).toBeNull()
  })
})

describe('requests', () => {
  const request = (headers: Record<string, string>, body?: BodyInit) =>
    new Request('https://vibes.example/api/vibes', { method: 'POST', headers, body: body ?? null })

  test.each([
    [{ 'Sec-Fetch-Site': 'same-origin' }, true],
    [{ 'Sec-Fetch-Site': 'same-site' }, false],
    [{ 'Sec-Fetch-Site': 'cross-site' }, false],
    [{ Origin: 'https://vibes.example' }, true],
    [{ Origin: 'https://evil.example' }, false],
    [{ Origin: 'null' }, false],
    [{}, true],
  ])('with the headers %j: from our own page is %s', (headers, own) => {
    expect(fromOwnPage(request(headers))).toBe(own)
  })

  test('a body is read up to its limit, whatever its length claims to be', async () => {
    const text = await readLimited(request({}, 'hello'), 5)
    expect(new TextDecoder().decode(text ?? undefined)).toBe('hello')
    expect(await readLimited(request({}, 'hello!'), 5)).toBeNull()
    expect(await readLimited(request({ 'Content-Length': '999' }), 5)).toBeNull()
  })
})

describe('the cached summary', () => {
  function memory(): Cache & { ttl?: number } {
    const entries = new Map<string, string>()
    return {
      get: async (key) => JSON.parse(entries.get(key) ?? 'null'),
      async put(key, value, { expirationTtl }) {
        this.ttl = expirationTtl
        entries.set(key, value)
      },
    }
  }

  test('asks the backend once and then answers from the cache, for a minute', async () => {
    const cache = memory()
    let asked = 0
    const get = () =>
      cachedSummary(
        cache,
        async () => ({ asked: ++asked }),
        () => new Date(0),
      )
    expect(await get()).toEqual({
      hit: false,
      body: { cached_at: '1970-01-01T00:00:00.000Z', summary: { asked: 1 } },
    })
    expect(await get()).toMatchObject({ hit: true, body: { summary: { asked: 1 } } })
    expect(cache.ttl).toBe(60)
  })

  test('what it does not understand in the cache is replaced', async () => {
    const cache = memory()
    await cache.put('summary:v1', '"old"', { expirationTtl: 60 })
    expect(
      await cachedSummary(
        cache,
        async () => 1,
        () => new Date(0),
      ),
    ).toMatchObject({ hit: false })
  })

  test('a failing backend is not remembered', async () => {
    const cache = memory()
    const failing = cachedSummary(
      cache,
      () => Promise.reject(new Error('down')),
      () => new Date(0),
    )
    await expect(failing).rejects.toThrow('down')
    expect(
      await cachedSummary(
        cache,
        async () => 1,
        () => new Date(0),
      ),
    ).toMatchObject({ hit: false })
  })
})

describe('health', () => {
  const full = {
    ENVIRONMENT: 'test',
    SITE_URL: 'https://vibes.example',
    SESSION_SECRET: 'a-session-secret',
    VIBE_SIGNING_KEY: 'a-signing-key',
    CACHE: {} as never,
    UPLOADS: {} as never,
  }
  const answers = (answer: Awaited<ReturnType<Backend['query']>>): Backend => ({ query: async () => answer })
  const well = answers({ database: true, keysAgree: true, missing: [] })
  const clock = () => 0

  test('is ok when Convex answers and nothing is missing', async () => {
    expect(await examine(full, well, clock)).toEqual({
      status: 'ok',
      environment: 'test',
      convex: { status: 'ok', milliseconds: 0, keys_agree: true, missing: [] },
      worker: { status: 'ok', missing: [] },
    })
  })

  test('fails and says why when Convex does not answer, without any secret', async () => {
    const down: Backend = { query: () => Promise.reject(new TypeError('fetch failed')) }
    const health = await examine(full, down, clock)
    expect(health.status).toBe('failed')
    expect(health.convex.error).toBe('TypeError: fetch failed')
    expect(JSON.stringify(health)).not.toMatch(/a-session-secret|a-signing-key/)
  })

  test.each([
    ['the keys differ', answers({ database: true, keysAgree: false, missing: [] })],
    ['Convex lacks a variable', answers({ database: true, keysAgree: true, missing: ['SITE_URL'] })],
  ])('fails when %s', async (_, backend) => {
    expect((await examine(full, backend, clock)).status).toBe('failed')
  })

  test('fails and names a binding that is missing or empty', async () => {
    const health = await examine({ ...full, CACHE: undefined, SESSION_SECRET: '' }, well, clock)
    expect(health.worker).toEqual({ status: 'failed', missing: ['SESSION_SECRET', 'CACHE'] })
    expect(health.status).toBe('failed')
  })
})

describe('refusals', () => {
  test("the backend's own words are shown when it meant them for people", () => {
    const error = new ConvexError({ code: 'too_fast', message: 'Take a breath.' })
    expect(refusalMessage(error)).toBe('Take a breath.')
    expect(refusalCode(error)).toBe('too_fast')
  })

  test('anything else is kept from them', () => {
    expect(refusalMessage(new Error('Server Error: stack'))).toBe('That did not work. Please try again.')
    expect(refusalCode(new ConvexError('text'))).toBeNull()
  })
})
