import type { ApiObject, Resource } from '@navarch/api';
import { ApiError, seededRandom, silentLogger, sleep, type Clock } from '@navarch/base';
import type { ApiClient, ResourceClient } from '@navarch/client';

import { defaultConfig } from '../../config';
import type { ControllerDependencies } from '../../dependencies';
import { createInformers } from '../../informers';
import { startTrackingFinalizer } from '../tracking-finalizer/tracking-finalizer.controller';
import { startJobExecution } from './job-execution.controller';

const dead = (): ApiError => new ApiError('Unavailable', 'this process is dead');
const writes = ['create', 'update', 'updateStatus', 'patch', 'delete'] as const;

/** A client of a process that dies at its n-th write: before it has landed, or after. */
export function dyingAt(client: ApiClient, n: number, landed: boolean, onDeath: () => void): { readonly client: ApiClient; readonly died: () => boolean } {
  let left = n;
  let died = false;
  const wrap = <T extends ApiObject>(resource: Resource<T>): ResourceClient<T> => new Proxy(client.resource(resource), {
    get: (target, member: keyof ResourceClient<T>) => {
      const method = target[member] as (...parameters: unknown[]) => unknown;
      if (member === 'watch' || typeof method !== 'function') return typeof method === 'function' ? method.bind(target) : method;
      const counted = (writes as readonly string[]).includes(member);
      return async (...parameters: unknown[]): Promise<unknown> => {
        if (died) throw dead();
        if (!counted || --left > 0) return method.apply(target, parameters);
        died = true;
        onDeath();
        if (landed) await method.apply(target, parameters);
        throw dead();
      };
    },
  });
  return { client: { resource: wrap, bindPod: (...parameters) => client.bindPod(...parameters), createToken: (...parameters) => client.createToken(...parameters), getForeign: (...parameters) => client.getForeign(...parameters) }, died: () => died };
}

/** A client that hears of changes to these kinds late. */
export function lagging(client: ApiClient, clock: Clock, delaysMs: Readonly<Record<string, number>>): ApiClient {
  const wrap = <T extends ApiObject>(resource: Resource<T>): ResourceClient<T> => {
    const target = client.resource(resource);
    const delayMs = delaysMs[resource.plural] ?? 0;
    return new Proxy(target, {
      get: (_, member: keyof ResourceClient<T>) => {
        if (member !== 'watch' || delayMs === 0) return (target[member] as (...parameters: unknown[]) => unknown).bind(target);
        return async function* late(options: Parameters<ResourceClient<T>['watch']>[0]) {
          for await (const event of target.watch(options)) {
            if (event.type !== 'BOOKMARK') await sleep(clock, delayMs, options.signal);
            yield event;
          }
        };
      },
    });
  };
  return { resource: wrap, bindPod: (...parameters) => client.bindPod(...parameters), createToken: (...parameters) => client.createToken(...parameters), getForeign: (...parameters) => client.getForeign(...parameters) };
}

/** A process with the job controllers alone: its caches are warm from the start, it works from `lead` on. */
export function jobProcess({ api, clock }: { readonly api: { readonly client: ApiClient }; readonly clock: Clock }, client: ApiClient = api.client): { lead(): void; stop(): Promise<void> } {
  const stop = new AbortController();
  const common = { client, clock, random: seededRandom(7), logger: silentLogger };
  const informers = createInformers(common);
  for (const informer of [informers.jobs, informers.pods]) informer.start(stop.signal);
  const recorder = { event: () => undefined, flush: () => Promise.resolve() };
  const dependencies: ControllerDependencies = { ...common, informers, recorder, config: defaultConfig, resources: () => [] };
  const running: Promise<void>[] = [];
  return {
    lead: () => void running.push(...[startJobExecution, startTrackingFinalizer].map((start) => start(dependencies, stop.signal).done)),
    stop: async () => {
      stop.abort(new Error('stopped'));
      await Promise.all(running);
    },
  };
}
