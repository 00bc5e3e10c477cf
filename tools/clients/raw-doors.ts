/** The same request in JSON through either door: what suites over both doors are written in. */
import type { JsonObject, JsonValue, Resource } from '@navarch/api';
import type { RequestOptions, Verb } from '../../apps/apiserver/src/core/request';
import { ObjectServiceService as objectService } from '@navarch/proto/navarch/meta/v1/object_service';
import { codecFor } from '@navarch/api';
import type { DeleteOptions } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';
import type { GrpcChannel } from '@navarch/service';

import { pathOf } from './rest-api-client';
import { failureOf, type RestConnection } from './rest-connection';

export interface RawAsk {
  readonly verb: Verb;
  readonly resource: Resource;
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
  /** Of create and update. Text is sent as it is. */
  readonly object?: JsonObject | string;
  readonly patchType?: string;
  readonly patch?: JsonValue;
  readonly options?: RequestOptions;
}

export interface RawAnswer {
  readonly object?: JsonObject;
  readonly items?: readonly JsonObject[];
  readonly continue?: string;
  readonly remainingItemCount?: number;
  readonly resourceVersion?: string;
}

export interface RawEvent {
  readonly type: string;
  readonly object: JsonObject;
}

/** Failures are ApiErrors. */
export interface RawDoor {
  ask(ask: RawAsk): Promise<RawAnswer>;
  /** The first `count` events. */
  watch(ask: Omit<RawAsk, 'verb'>, count: number): Promise<RawEvent[]>;
}

const json = 'application/json';
const text = (object: RawAsk['object']): Buffer => Buffer.from(typeof object === 'string' ? object : JSON.stringify(object ?? {}));
const parse = (bytes: Uint8Array | undefined): JsonObject => JSON.parse(Buffer.from(bytes ?? []).toString()) as JsonObject;
const deleteOptions = codecFor<DeleteOptions>('k8s.io.apimachinery.pkg.apis.meta.v1.DeleteOptions');

function deleteOptionsOf({ gracePeriodSeconds, preconditions, propagationPolicy, orphanDependents, dryRun }: RequestOptions): DeleteOptions {
  return { gracePeriodSeconds, preconditions, propagationPolicy, orphanDependents, dryRun: dryRun && [...dryRun] };
}

export function rawRestDoor(connection: RestConnection): RawDoor {
  const methods = { get: 'GET', list: 'GET', watch: 'GET', create: 'POST', update: 'PUT', patch: 'PATCH', delete: 'DELETE', deletecollection: 'DELETE' } as const;
  const queryOf = ({ dryRun, preconditions: _preconditions, ...options }: RequestOptions = {}): Record<string, string> =>
    Object.fromEntries(Object.entries({ ...options, dryRun: dryRun?.[0] }).filter(([, value]) => value !== undefined).map(([name, value]) => [name, String(value)]));
  return {
    async ask({ verb, resource, namespace = '', name, subresource, object, patchType, patch, options = {} }) {
      const ofCollection = verb === 'list' || verb === 'deletecollection' || (verb === 'create' && subresource === undefined);
      const deletes = verb === 'delete' || verb === 'deletecollection';
      const body = patch !== undefined ? Buffer.from(JSON.stringify(patch)) : deletes ? Buffer.from(JSON.stringify(deleteOptions.toJson(deleteOptionsOf(options)))) : object === undefined ? undefined : text(object);
      const { labelSelector, fieldSelector } = options;
      const answer = JSON.parse((await connection.ask({
        method: methods[verb], path: pathOf(resource, namespace, ofCollection ? undefined : name, subresource), query: queryOf(deletes ? { labelSelector, fieldSelector } : options),
        headers: { 'content-type': patchType ?? json }, ...(body && { body }),
      })).toString()) as JsonObject;
      if (!Array.isArray(answer['items'])) return { object: answer };
      const metadata = answer['metadata'] as { resourceVersion?: string; continue?: string; remainingItemCount?: number };
      return { items: answer['items'] as JsonObject[], ...metadata };
    },
    async watch({ resource, namespace = '', options }, count) {
      const events: RawEvent[] = [];
      let rest = '';
      for await (const chunk of connection.follow({ method: 'GET', path: pathOf(resource, namespace), query: { watch: 'true', ...queryOf(options) } })) {
        const lines = (rest + chunk.toString()).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) {
          const event = JSON.parse(line) as { type: string; object: JsonObject };
          if (event.type === 'ERROR') throw failureOf(event.object);
          events.push(event);
          if (events.length === count) return events;
        }
      }
      return events;
    },
  };
}

export function rawGrpcDoor(channel: GrpcChannel): RawDoor {
  const refOf = ({ resource, subresource }: Pick<RawAsk, 'resource' | 'subresource'>) => ({ group: resource.group, version: resource.version, resource: resource.plural, ...(subresource && { subresource }) });
  const one = (response: { object?: Uint8Array | undefined }): RawAnswer => ({ object: parse(response.object) });
  const many = ({ items = [], continue: token, remainingItemCount, resourceVersion }: { items?: readonly Uint8Array[] | undefined; continue?: string | undefined; remainingItemCount?: number | undefined; resourceVersion?: string | undefined }): RawAnswer =>
    ({ items: items.map(parse), ...(token && { continue: token }), ...(remainingItemCount && { remainingItemCount }), ...(resourceVersion && { resourceVersion }) });
  const calls: Readonly<Record<Exclude<Verb, 'watch'>, (ask: RawAsk) => Promise<RawAnswer>>> = {
    get: async ({ namespace, name, options = {}, ...ask }) => one(await channel.unary(objectService.get, { resource: refOf(ask), request: { namespace, name, resourceVersion: options.resourceVersion }, contentType: json })),
    list: async ({ namespace, options = {}, ...ask }) => many(await channel.unary(objectService.list, { resource: refOf(ask), request: { namespace, ...options }, contentType: json })),
    create: async ({ namespace, name, object, options = {}, ...ask }) => one(await channel.unary(objectService.create, { resource: refOf(ask), namespace, name: ask.subresource ? name : undefined, object: text(object), contentType: json, options: writeOptionsOf(options) })),
    update: async ({ namespace, object, options = {}, ...ask }) => one(await channel.unary(objectService.update, { resource: refOf(ask), namespace, object: text(object), contentType: json, options: writeOptionsOf(options) })),
    patch: async ({ namespace, name, patch, patchType, options = {}, ...ask }) => one(await channel.unary(objectService.patch, {
      resource: refOf(ask), request: { namespace, name, patchType, patch: Buffer.from(JSON.stringify(patch)), options: { ...writeOptionsOf(options), force: options.force } }, contentType: json,
    })),
    delete: async ({ namespace, name, options = {}, ...ask }) => one(await channel.unary(objectService.delete, { resource: refOf(ask), request: { namespace, name, options: deleteOptionsOf(options) }, contentType: json })),
    deletecollection: async ({ namespace, options = {}, ...ask }) => {
      const { labelSelector, fieldSelector } = options;
      return many(await channel.unary(objectService.deleteCollection, { resource: refOf(ask), request: { namespace, labelSelector, fieldSelector, options: deleteOptionsOf(options) }, contentType: json }));
    },
  };
  return {
    ask: (ask) => {
      if (ask.verb === 'watch') throw new Error('a watch is asked for by `watch`');
      return calls[ask.verb](ask);
    },
    async watch({ namespace, options = {}, ...ask }, count) {
      const events: RawEvent[] = [];
      const stop = new AbortController();
      try {
        for await (const { type = '', object } of channel.serverStream(objectService.watch, { resource: refOf(ask), request: { namespace, ...options }, contentType: json }, { signal: stop.signal })) {
          events.push({ type, object: parse(object) });
          if (events.length === count) break;
        }
      } finally {
        stop.abort(new Error('read enough'));
      }
      return events;
    },
  };
}

function writeOptionsOf({ dryRun, fieldManager, fieldValidation }: RequestOptions): { dryRun?: string[]; fieldManager?: string; fieldValidation?: string } {
  return { ...(dryRun && { dryRun: [...dryRun] }), ...(fieldManager && { fieldManager }), ...(fieldValidation && { fieldValidation }) };
}
