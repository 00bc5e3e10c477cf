import { createHash } from 'node:crypto';

import type { Incoming, Outgoing } from './door';

/** A document that clients keep: discovery and OpenAPI, which change with the kinds served. */
export interface Cacheable {
  readonly text: Buffer;
  /** Of the text; made here where the document does not come with one. */
  readonly hash?: string;
  readonly contentType: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export function hashOf(text: Uint8Array): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32).toUpperCase();
}

/** The document, or 304 where the client has it already (RFC 9110, sections 8.8.3 and 13.1.2; Kubernetes' discovery and OpenAPI handlers). */
export function cacheable({ headers }: Pick<Incoming, 'headers'>, { text, hash = hashOf(text), contentType, headers: more }: Cacheable): Outgoing {
  const etag = JSON.stringify(hash);
  const always = { etag, vary: 'Accept', 'cache-control': 'public', ...more };
  if (has(headers['if-none-match'], etag)) return { status: 304, headers: always, body: Buffer.alloc(0) };
  return { status: 200, headers: { 'content-type': contentType, ...always }, body: text };
}

/** Weak comparison: what a cache between us has marked as changed on the way is the same document. */
function has(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.trim() === '*' || ifNoneMatch.split(',').some((one) => one.trim().replace(/^W\//, '') === etag);
}
