import type { JsonValue } from '@navarch/api';
import { ApiError } from '@navarch/base';

import type { ApiCore } from '../core/core';
import { unknownResource } from '../core/errors';
import type { ProxySession, User } from '../core/request';
import { parsePath } from './path';
import { proxied } from './proxy';

/** A far server's answers to our own questions are documents, not streams. */
const maxAnswerBytes = 16 * 1024 * 1024;

export interface ForeignAnswer {
  readonly status: number;
  readonly body: Buffer;
}

/** One GET of a far API's server, for parts of Navarch's own. `path` may have a query. Throws Unavailable where nothing answers. */
export async function askForeign(session: ProxySession, path: string, signal: AbortSignal): Promise<ForeignAnswer> {
  const [rest = '/'] = path.split('?', 1);
  const { status, body } = await proxied(session, { method: 'GET', url: path, headers: { accept: 'application/json' }, signal, rest });
  if (Buffer.isBuffer(body)) return { status, body };
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > maxAnswerBytes) throw new ApiError('Unavailable', `the answer is larger than ${maxAnswerBytes} bytes`);
    chunks.push(chunk);
  }
  return { status, body: Buffer.concat(chunks, length) };
}

/** A document of an aggregated API on behalf of `user`, as parts of Navarch and callers of the gRPC door ask for it. */
export async function foreignText(core: Pick<ApiCore, 'foreign'>, user: User, path: string, signal: AbortSignal): Promise<Buffer> {
  const parsed = parsePath(path.split('?', 1)[0] ?? '/');
  const { group, version } = parsed.type === 'resource' ? parsed.target : parsed.type === 'discovery' ? parsed : {};
  if (parsed.type !== 'resource' || group === undefined || version === undefined || !core.foreign.find(group, version)) throw unknownResource();
  const { session, release } = core.foreign.open({ user, verb: parsed.target.name === undefined ? 'list' : 'get', group, version, target: parsed.target });
  try {
    if (session.kind !== 'proxy') throw new Error(`an aggregated API answers by ${session.kind}`);
    const { status, body } = await askForeign(session, path, signal);
    if (status >= 200 && status < 300) return body;
    throw failureOf(status, body);
  } finally {
    release();
  }
}

export async function foreignDocument(core: Pick<ApiCore, 'foreign'>, user: User, path: string, signal: AbortSignal): Promise<JsonValue> {
  const text = await foreignText(core, user, path, signal);
  try {
    return JSON.parse(text.toString()) as JsonValue;
  } catch (cause) {
    throw new ApiError('Unavailable', `the answer to ${path} is not JSON`, {}, { cause });
  }
}

/** The far server's own words, where they are a Status. */
function failureOf(code: number, body: Buffer): ApiError {
  let said: { message?: string } = {};
  try {
    said = JSON.parse(body.toString()) as typeof said;
  } catch {
    // Some servers answer in plain text.
  }
  const reason = code === 404 ? 'NotFound' : code === 403 ? 'Forbidden' : code === 400 ? 'BadRequest' : 'Unavailable';
  return new ApiError(reason, said.message ?? `the server answered ${code}: ${body.toString('utf8', 0, 200)}`);
}
