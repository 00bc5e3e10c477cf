import type { Clock } from '@navarch/base';
import type { CallContext } from '@navarch/service';

import type { Credentials } from '../core/auth/authenticator';
import { impersonationOf } from '../core/auth/impersonation';
import type { StoredObject } from '../core/cache/stored-object';
import type { ApiCore } from '../core/core';
import type { ApiResponse, ListResponse, User } from '../core/request';
import { completeRequest, type Asked } from './requests';
import { encodeWatchItem, type ObjectForm } from './encode';

/** What every method of this door needs. */
export interface Door {
  readonly core: ApiCore;
  readonly clock: Clock;
  readonly authenticate: (credentials: Credentials) => Promise<User>;
}

export function credentialsOf({ peer, metadata }: CallContext): Credentials {
  const header = metadata.get('authorization')[0];
  const bearerToken = /^Bearer (.+)$/i.exec(header === undefined ? '' : header.toString())?.[1]?.trim();
  const impersonation = impersonationOf(metadataOf(metadata));
  return { certificate: peer, bearerToken, ...(impersonation && { impersonation }) };
}

function* metadataOf(metadata: CallContext['metadata']): Generator<[string, string]> {
  for (const name of Object.keys(metadata.getMap())) for (const value of metadata.get(name)) yield [name, value.toString()];
}

/** One call of the core on behalf of whoever calls. */
export async function ask({ core, clock, authenticate }: Door, asked: Asked, call: CallContext): Promise<ApiResponse> {
  const user = await authenticate(credentialsOf(call));
  return core.handle(completeRequest(asked, user, call, clock));
}

export async function askForObject(door: Door, asked: Asked, call: CallContext): Promise<StoredObject> {
  const response = await ask(door, asked, call);
  if (response.type !== 'object') throw unexpected(response);
  return response.object;
}

export async function askForList(door: Door, asked: Asked, call: CallContext): Promise<ListResponse> {
  const response = await ask(door, asked, call);
  if (response.type !== 'list') throw unexpected(response);
  return response;
}

export async function* askForWatch(door: Door, asked: Asked, call: CallContext, form: ObjectForm): AsyncGenerator<Uint8Array, void, undefined> {
  const response = await ask(door, asked, call);
  if (response.type !== 'watch') throw unexpected(response);
  for await (const item of response.items) yield encodeWatchItem(item, form);
}

export async function* askForStream(door: Door, asked: Asked, call: CallContext): AsyncGenerator<Uint8Array, void, undefined> {
  const response = await ask(door, asked, call);
  if (response.type !== 'stream') throw unexpected(response);
  yield* response.chunks;
}

export const unexpected = ({ type }: ApiResponse): Error => new Error(`the core answered with a ${type}`);
