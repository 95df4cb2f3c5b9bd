// What the Worker is given from outside: variables, secrets, a KV namespace, a bucket. Only the parts that are used
// are declared here, so a test can stand in for them with a few lines.

import { env } from 'cloudflare:workers'

export interface Cache {
  get(key: string, type: 'json'): Promise<unknown>
  put(key: string, value: string, options: { expirationTtl: number }): Promise<void>
}

export interface StoredObject {
  body: ReadableStream
  httpEtag: string
  httpMetadata?: { contentType?: string }
}

export interface Bucket {
  get(key: string): Promise<StoredObject | null>
  put(key: string, value: ArrayBuffer, options: { httpMetadata: { contentType: string } }): Promise<unknown>
}

export interface Bindings {
  ENVIRONMENT?: string
  SITE_URL?: string
  SESSION_SECRET?: string
  VIBE_SIGNING_KEY?: string
  CACHE?: Cache
  UPLOADS?: Bucket
}

export function bindings(): Bindings {
  return env
}

/** A binding that was not configured: named, because the operator has to mend it. */
export class MissingBinding extends Error {
  constructor(readonly binding: keyof Bindings) {
    super(`The Worker has no ${binding}.`)
  }
}

export function required<Name extends keyof Bindings>(
  from: Bindings,
  name: Name,
): NonNullable<Bindings[Name]> {
  const value = from[name]
  if (value === undefined || value === '') throw new MissingBinding(name)
  return value as NonNullable<Bindings[Name]>
}
