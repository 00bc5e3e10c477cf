/** The cluster's API as `navarch` uses it: as the administrator, over the unix socket, every resource as JSON. */
import { join } from 'node:path';

import { createRegistry, type JsonObject, type JsonValue, type Resource } from '@navarch/api';
import { ApiError, systemClock } from '@navarch/base';
import { ObjectServiceService as service, type ResourceInfo, type ResourceRef } from '@navarch/proto/navarch/meta/v1/object_service';
import { connectGrpc, errorOfStatus, loadTls, type GrpcChannel } from '@navarch/service';

import type { Places } from '../cluster/places';
import { requireRunning } from '../cluster/running';
import { adminKeys } from '../control-plane/pki';
import { findKind, kindOfInfo, type Kind } from './kinds';


const json = 'application/json';
const pageSize = 500;

export interface Selection {
  /** Absent: all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface JsonEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: JsonObject;
}

export interface Session {
  readonly channel: GrpcChannel;
  /** By plural, singular, short name or kind, in any case, with or without .group. Throws where the server has no such kind. */
  kind(word: string): Promise<Kind>;
  kindOf(apiVersion: string, kind: string): Promise<Kind>;
  /** What this command knows of the kind; undefined for custom resources. */
  known(kind: Kind): Resource | undefined;
  get(kind: Kind, namespace: string, name: string): Promise<JsonObject>;
  list(kind: Kind, selection: Selection): Promise<{ items: JsonObject[]; resourceVersion: string }>;
  watch(kind: Kind, selection: Selection & { readonly resourceVersion: string }, signal?: AbortSignal): AsyncGenerator<JsonEvent, void, undefined>;
  create(kind: Kind, namespace: string, object: JsonObject): Promise<JsonObject>;
  mergePatch(kind: Kind, namespace: string, name: string, patch: JsonObject): Promise<JsonObject>;
  delete(kind: Kind, namespace: string, name: string, options: { readonly gracePeriodSeconds?: number }): Promise<JsonObject>;
  close(): void;
}

export function adminChannel(places: Places): GrpcChannel {
  const file = (name: string): string => join(places.pki, name);
  const tls = loadTls({ caFile: file('ca.crt'), certificateFile: file(`${adminKeys}.crt`), keyFile: file(`${adminKeys}.key`) }, systemClock);
  return connectGrpc({ target: `unix:${places.apiserverSocket}`, tls, serverName: 'localhost' });
}

export function openSession(places: Places, channel = adminChannel(places)): Session {
  const registry = createRegistry();
  let infos: Promise<readonly ResourceInfo[]> | undefined;
  const resources = (): Promise<readonly ResourceInfo[]> => {
    infos ??= channel.unary(service.resources, {}).then((response) => response.resources ?? []);
    return infos;
  };
  return {
    channel,
    kind: async (word) => {
      const found = findKind(await resources(), word);
      if (!found) throw new Error(`the server has no resource "${word}"; "navarch get --help" shows how to name one`);
      return found;
    },
    kindOf: async (apiVersion, name) => {
      const [version = '', group = ''] = apiVersion.split('/').reverse();
      const info = (await resources()).find((candidate) => candidate.kind === name && candidate.version === version && (candidate.group ?? '') === group);
      if (!info) throw new Error(`the server has no kind ${name} in ${apiVersion}`);
      return kindOfInfo(info);
    },
    known: ({ group, version, plural }) => registry.find({ group, version, resource: plural }),
    get: async (kind, namespace, name) => parse((await channel.unary(service.get, { resource: refOf(kind), request: { namespace, name }, contentType: json })).object, kind),
    list: (kind, selection) => listAll(channel, kind, selection),
    watch: (kind, selection, signal) => watchAll(channel, kind, selection, signal),
    create: async (kind, namespace, object) =>
      parse((await channel.unary(service.create, { resource: refOf(kind), namespace, object: bytes(object), contentType: json, options: { fieldValidation: 'Strict' } })).object, kind),
    mergePatch: async (kind, namespace, name, patch) => {
      const request = { namespace, name, patchType: 'application/merge-patch+json', patch: bytes(patch), options: { fieldValidation: 'Strict' } };
      return parse((await channel.unary(service.patch, { resource: refOf(kind), request, contentType: json })).object, kind);
    },
    delete: async (kind, namespace, name, { gracePeriodSeconds }) => {
      const options = gracePeriodSeconds === undefined ? undefined : { gracePeriodSeconds };
      return parse((await channel.unary(service.delete, { resource: refOf(kind), request: { namespace, name, options }, contentType: json })).object, kind);
    },
    close: () => channel.close(),
  };
}

async function listAll(channel: GrpcChannel, kind: Kind, selection: Selection): Promise<{ items: JsonObject[]; resourceVersion: string }> {
  const items: JsonObject[] = [];
  for (let token: string | undefined; ;) {
    const page = await channel.unary(service.list, { resource: refOf(kind), request: { ...selection, limit: pageSize, continue: token }, contentType: json });
    items.push(...(page.items ?? []).map((item) => parse(item, kind)));
    token = page.continue;
    if (!token) return { items, resourceVersion: page.resourceVersion ?? '' };
  }
}

async function* watchAll(channel: GrpcChannel, kind: Kind, selection: Selection & { readonly resourceVersion: string }, signal?: AbortSignal): AsyncGenerator<JsonEvent, void, undefined> {
  let { resourceVersion } = selection;
  for (;;) {
    const request = { ...selection, resourceVersion, allowWatchBookmarks: true };
    // A server ends a watch when it stops, or after a while; the next one goes on where it ended.
    for await (const event of channel.serverStream(service.watch, { resource: refOf(kind), request, contentType: json }, { signal })) {
      if (event.type === 'ERROR') throw errorOfStatus(event.status ?? { message: 'the watch failed' });
      resourceVersion = event.resourceVersion ?? resourceVersion;
      if (event.type === 'ADDED' || event.type === 'MODIFIED' || event.type === 'DELETED') yield { type: event.type, object: parse(event.object, kind) };
    }
  }
}

const refOf = ({ group, version, plural }: Kind): ResourceRef => ({ ...(group && { group }), version, resource: plural });
const bytes = (value: JsonValue): Buffer => Buffer.from(JSON.stringify(value));

/** With apiVersion and kind first, as people know it. */
function parse(object: Uint8Array | undefined, { group, version, kind }: Kind): JsonObject {
  if (!object) throw new ApiError('Internal', 'the server answered without an object');
  const value = JSON.parse(Buffer.from(object).toString()) as JsonObject;
  return { apiVersion: group ? `${group}/${version}` : version, kind, ...value };
}

/** Opens a session to a running cluster for as long as `work` takes. */
export async function withSession<T>(places: Places, work: (session: Session) => Promise<T>): Promise<T> {
  requireRunning(places);
  const session = openSession(places);
  try {
    return await work(session);
  } finally {
    session.close();
  }
}
