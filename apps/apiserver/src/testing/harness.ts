import { allResources, createRegistry, type ApiObject, type Resource } from '@navarch/api';
import { seededRandom, silentLogger, VirtualClock } from '@navarch/base';
import type { ApiClient } from '@navarch/client';
import { createMemoryLog, MemoryStream, type MemoryLog } from '@navarch/store';

import type { StoredObject } from '../core/cache/stored-object';
import type { WatchItem } from '../core/cache/watch-item';
import { ApiCore, type CoreOptions } from '../core/core';
import type { ApiRequest, ApiResponse, ListResponse, RequestOptions, RequestTarget, User, Verb, WatchResponse } from '../core/request';
import { noKubelets } from '../core/pods/kubelet-connector';
import { serverUser } from '../app';
import { makeClusterObjects } from '../bootstrap';
import { createInProcessClient } from '../in-process-client';

export const admin: User = { name: 'admin', groups: ['system:masters', 'system:authenticated'] };

/** 2026-01-01, so that times in failures read well. */
export const startMs = Date.UTC(2026, 0, 1);

export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export interface Ask {
  readonly verb: Verb;
  readonly resource: Resource;
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
  readonly object?: ApiObject;
  readonly body?: ApiRequest['body'];
  readonly options?: RequestOptions;
  readonly user?: User;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  readonly traceparent?: string;
  readonly warn?: (message: string) => void;
}

export interface Harness {
  readonly core: ApiCore;
  readonly clock: VirtualClock;
  readonly logs: Readonly<Record<'objects' | 'events', MemoryLog>>;
  readonly streams: Readonly<Record<'objects' | 'events', MemoryStream>>;
  readonly client: ApiClient;
  ask(ask: Ask): Promise<ApiResponse>;
  one(ask: Ask): Promise<StoredObject>;
  list(resource: Resource, options?: RequestOptions, namespace?: string): Promise<ListResponse>;
  watch(resource: Resource, options?: RequestOptions, where?: { namespace?: string; user?: User }): Promise<Followed>;
  stop(): Promise<void>;
}

/** A watch whose items are taken as they come. */
export interface Followed {
  readonly response: WatchResponse;
  readonly items: WatchItem[];
  /** `TYPE name@version` of what has come, bookmarks left out. */
  seen(): string[];
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

export interface HarnessOptions extends Partial<Omit<CoreOptions, 'logs' | 'clock'>> {
  /** Another replica's streams and clock: a second replica of the same cluster. A third needs a `random` of its own, or its writes look like the second's. */
  readonly beside?: Harness;
}

/** An apiserver core on logs in memory, under a virtual clock, with the objects that every cluster has. */
export async function startCore(options: HarnessOptions = {}): Promise<Harness> {
  const { beside, ...core } = options;
  const clock = beside?.clock ?? new VirtualClock(startMs, settle);
  const streams = beside?.streams ?? { objects: new MemoryStream(clock), events: new MemoryStream(clock) };
  const random = core.random ?? seededRandom(beside ? 2 : 1);
  const logs = { objects: createMemoryLog({ clock, random, stream: streams.objects }), events: createMemoryLog({ clock, random, stream: streams.events, subjectPrefix: 'events' }) };
  const made = new ApiCore({ registry: createRegistry(allResources), clock, random, logger: silentLogger, kubelets: noKubelets(new Error('no kubelet in this test')), ...core, logs });
  const stopping = new AbortController();
  const running = made.run(stopping.signal);
  await made.loaded(stopping.signal);
  await makeClusterObjects({ client: createInProcessClient(made, serverUser), clock, random, logger: silentLogger, signal: stopping.signal });
  return harnessOf(made, clock, logs, streams, async () => {
    stopping.abort(new Error('test is over'));
    await running;
    await Promise.all(Object.values(logs).map((log) => log.close()));
  });
}

function harnessOf(core: ApiCore, clock: VirtualClock, logs: Harness['logs'], streams: Harness['streams'], stop: () => Promise<void>): Harness {
  const ask = ({ verb, resource, namespace, name, subresource, object, body, options = {}, user = admin, signal, timeoutMs, traceparent, warn }: Ask): Promise<ApiResponse> => {
    const { group, version, plural, namespaced } = resource;
    const collection = verb === 'list' || verb === 'watch';
    const target: RequestTarget = { group, version, resource: plural, subresource, name, namespace: namespace ?? (namespaced && !collection ? 'default' : undefined) };
    return core.handle({ verb, target, body: object ? { object: structuredClone(object) } : body, options, user, signal: signal ?? new AbortController().signal, timeoutMs, traceparent, warn });
  };
  const harness: Harness = {
    core, clock, logs, streams, ask, stop,
    client: createInProcessClient(core, admin),
    one: async (what) => {
      const response = await ask(what);
      if (response.type !== 'object') throw new Error(`expected an object, got a ${response.type}`);
      return response.object;
    },
    list: async (resource, options, namespace) => {
      const response = await ask({ verb: 'list', resource, options, namespace });
      if (response.type !== 'list') throw new Error(`expected a list, got a ${response.type}`);
      return response;
    },
    watch: async (resource, options, where = {}) => {
      const stopping = new AbortController();
      const response = await ask({ verb: 'watch', resource, options, ...where, signal: stopping.signal });
      if (response.type !== 'watch') throw new Error(`expected a watch, got a ${response.type}`);
      return follow(response, stopping);
    },
  };
  return harness;
}

function follow(response: WatchResponse, stopping: AbortController): Followed {
  const items: WatchItem[] = [];
  const take = async (): Promise<void> => {
    for await (const item of response.items) items.push(item);
  };
  const ended = take();
  // Whoever cares awaits it; nobody else should hear of a cut-off watch as an unhandled rejection.
  ended.catch(() => undefined);
  return {
    response, items, ended,
    seen: () => items.filter(({ type }) => type !== 'BOOKMARK').map(describeItem),
    stop: async () => {
      stopping.abort();
      await ended.catch(() => undefined);
    },
  };
}

export const describeItem = ({ type, object, sequence }: WatchItem): string => `${type} ${object.name}@${sequence}`;
