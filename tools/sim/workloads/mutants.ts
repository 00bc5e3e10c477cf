/**
 * Bugs that Kubernetes had, and that others like it have, planted around the controllers: between them and the API, never in
 * them. Each says where it shows; the simulation must notice every one.
 */
import { controllerOf, type ApiObject, type Resource } from '@navarch/api';
import { ApiError, sleep } from '@navarch/base';
import type { ApiClient } from '@navarch/client';
import type { ReplicaSet } from '@navarch/proto/k8s/io/api/apps/v1/apps';
import type { Job } from '@navarch/proto/k8s/io/api/batch/v1/batch';
import type { Endpoint, EndpointSlice } from '@navarch/proto/k8s/io/api/discovery/v1/discovery';

import { noFaults } from '../faulty-client';
import { intercept, type Interception, type Write } from '../intercept';
import type { ProcessLife } from '../simulated-cluster';
import type { Storm } from './run';
import { leaderLeaseName } from './world';

export interface Mutant {
  /** What is broken. */
  readonly bug: string;
  readonly topics: readonly string[];
  /** What the simulation says about it. */
  readonly noticed: RegExp;
  client(client: ApiClient, life: ProcessLife): ApiClient;
}

const latenessMs = 300;

/** Slow and late, and nothing else: what a mutant does must not be excused by a failure. */
export const gentleBreeze: Storm = { rates: { ...noFaults, maxLatencyMs: 20, lateEvent: 0.05 }, log: {} };

const around = (interception: (life: ProcessLife) => Interception) => (client: ApiClient, life: ProcessLife): ApiClient => intercept(client, interception(life));

/** Writes of this kind and verb go another way. */
const onWrite = (plural: string, verb: Write['verb'], instead: (write: Write, proceed: (args?: readonly unknown[]) => Promise<ApiObject>, life: ProcessLife) => Promise<ApiObject>) =>
  around((life) => ({ write: (write, proceed) => (write.resource.plural === plural && write.verb === verb ? instead(write, proceed, life) : proceed()) }));

/** Its cache is behind, and counts as having seen what was just made. */
const impatient = (kind: string) => around(({ clock }) => ({
  event: async (resource, event, { signal }) => {
    if (resource.plural === 'pods' && event.type === 'ADDED') await sleep(clock, latenessMs, signal);
    return [event];
  },
  write: async (write, proceed) => {
    const made = await proceed();
    const isOurs = write.verb === 'create' && write.resource.plural === 'pods' && controllerOf(write.object ?? {})?.kind === kind;
    return isOurs ? { ...made, metadata: { ...made.metadata, resourceVersion: '1' } } : made;
  },
}));

/** Whether an owner is there is asked of a cache that has not heard of it. */
const staleOwners = (...plurals: string[]) => around(() => ({
  get: (resource, _namespace, name, proceed) => (plurals.includes(resource.plural) ? Promise.reject(new ApiError('NotFound', `${resource.plural} "${name}" not found`)) : proceed()),
  event: (resource, event, { metadataOnly }) => Promise.resolve(metadataOnly && plurals.includes(resource.plural) && (event.object.metadata?.ownerReferences ?? []).length === 0 && event.type !== 'BOOKMARK' ? [] : [event]),
}));

const resized = (change: (replicas: number, set: ApiObject) => number) => (write: Write): readonly unknown[] => {
  const [first, second, third, patch, ...rest] = write.args;
  const sized = (object: unknown): unknown => {
    const { spec } = object as { spec?: { replicas?: number } };
    return spec?.replicas === undefined ? object : { ...(object as object), spec: { ...spec, replicas: change(spec.replicas, object as ApiObject) } };
  };
  return write.verb === 'patch' ? [first, second, third, sized(patch), ...rest] : [sized(first), ...write.args.slice(1)];
};

const setsResized = (change: (replicas: number) => number) => around(() => ({
  write: (write, proceed) => (write.resource.plural === 'replicasets' && ['create', 'update', 'patch'].includes(write.verb) ? proceed(resized(change)(write)) : proceed()),
}));

/** A set that is to become smaller loses all its pods. */
function emptied(): Interception {
  const sizes = new Map<string, number>();
  return {
    write: (write, proceed) => {
      const { spec } = (write.object ?? {}) as ReplicaSet;
      if (write.resource.plural !== 'replicasets' || !['create', 'update'].includes(write.verb) || spec?.replicas === undefined) return proceed();
      const before = sizes.get(write.name) ?? 0;
      sizes.set(write.name, spec.replicas);
      return spec.replicas < before ? proceed(resized(() => 0)(write)) : proceed();
    },
  };
}

/** Counts at once what it should first only list. */
function countedAtOnce(job: Job): Job {
  const { uncountedTerminatedPods: { succeeded = [], failed = [] } = {}, ...status } = job.status ?? {};
  return { ...job, status: { ...status, succeeded: (status.succeeded ?? 0) + succeeded.length, failed: (status.failed ?? 0) + failed.length } };
}

/** An election that hears what it likes to hear. */
function deafToTheLease({ clock }: ProcessLife): Interception {
  let mine: ApiObject | undefined;
  const deaf = (): boolean => mine !== undefined && clock.monotonic() > 10_000;
  const isLease = (resource: Resource, lease: string | undefined): boolean => resource.plural === 'leases' && lease === leaderLeaseName;
  return {
    get: async (resource, _namespace, lease, proceed) => (isLease(resource, lease) && deaf() ? mine as ApiObject : proceed()),
    write: async (write, proceed) => {
      if (!isLease(write.resource, write.name)) return proceed();
      if (deaf()) return mine = { ...mine, ...write.object };
      return mine = await proceed();
    },
  };
}

/** What was once in a slice stays there. */
function endpointsKept(): Interception {
  const known = new Map<string, Map<string, Endpoint>>();
  return {
    write: (write, proceed) => {
      if (write.resource.plural !== 'endpointslices' || !write.object) return proceed();
      const { metadata, endpoints = [] } = write.object as EndpointSlice;
      const slice = metadata?.labels?.['kubernetes.io/service-name'] ?? '';
      const all = known.get(slice) ?? new Map<string, Endpoint>();
      known.set(slice, all);
      for (const endpoint of endpoints) all.set(endpoint.addresses?.[0] ?? '', endpoint);
      return proceed([{ ...write.object, endpoints: [...all.values()] }, ...write.args.slice(1)]);
    },
  };
}

export const mutants: readonly Mutant[] = [
  {
    bug: 'a StatefulSet removes a pod by force and makes the next one while the old one still runs', topics: ['statefulSets'], noticed: /StatefulSet pod .* runs twice/,
    client: onWrite('pods', 'delete', ({ args }, proceed) => proceed([args[0], args[1], { ...(args[2] as object), deleteOptions: { ...(args[2] as { deleteOptions?: object }).deleteOptions, gracePeriodSeconds: '0' } }])),
  },
  { bug: 'claims are collected because a stale cache does not know their StatefulSet', topics: ['statefulSets'], noticed: /claim .* is deleted while its owner .* lives|is collected, though its owner/, client: staleOwners('statefulsets') },
  { bug: 'dependents are collected because a stale cache does not know their owner', topics: ['garbage'], noticed: /is collected, though its owner .* lives/, client: staleOwners('configmaps') },
  {
    bug: 'the garbage collector misses that owners go, and leaves their dependents behind', topics: ['garbage'], noticed: /belongs to ConfigMap .*, which is gone/,
    client: around(() => ({ event: (_resource, event, { metadataOnly }) => Promise.resolve(metadataOnly && event.type === 'DELETED' ? [] : [event]) })),
  },
  { bug: 'a Job counts a pod before it is listed, and so again', topics: ['jobs'], noticed: /Job .* counts .* pods (succeeded|failed)/, client: onWrite('jobs', 'updateStatus', ({ object, args }, proceed) => proceed([countedAtOnce(object as Job), ...args.slice(1)])) },
  { bug: 'a ReplicaSet does not wait until its cache has its own pods', topics: ['replicas'], noticed: /ReplicaSet .* active pods, .* were wanted/, client: impatient('ReplicaSet') },
  { bug: 'a DaemonSet does not wait until its cache has its own pods', topics: ['daemonSets'], noticed: /DaemonSet .* active pods for node/, client: impatient('DaemonSet') },
  { bug: 'a leader that lost its lease goes on', topics: ['replicas', 'jobs'], noticed: /controllers-\w-\d+ writes .*, though controllers-\w-\d+ leads/, client: around(deafToTheLease) },
  { bug: 'endpoints of deleted pods are kept', topics: ['replicas'], noticed: /endpoints of shop\//, client: around(endpointsKept) },
  {
    bug: 'a CronJob makes jobs of random names, and one more when it does not hear that it has', topics: ['cronJobs'], noticed: /CronJob .* ran twice/,
    client: around(({ random }) => ({
      write: (write, proceed) => {
        if (write.verb === 'updateStatus' && write.resource.plural === 'cronjobs' && random.next() < 0.5) return Promise.reject(new ApiError('Unavailable', 'mutant: not written'));
        if (write.verb !== 'create' || controllerOf(write.object ?? {})?.kind !== 'CronJob') return proceed();
        return proceed([{ ...write.object, metadata: { ...write.object?.metadata, name: `${write.name}-${Math.floor(random.next() * 1e9)}` } }, ...write.args.slice(1)]);
      },
    })),
  },
  { bug: 'a rollout makes its sets too large', topics: ['deployments'], noticed: /Deployment .* wants .* pods of its sets, .* are allowed/, client: setsResized((replicas) => replicas + 2) },
  { bug: 'a rollout takes all old pods before the new ones serve', topics: ['rollouts'], noticed: /Deployment shop\/steady has \d pods that serve \(0 lost\), 3 are promised/, client: around(emptied) },
  {
    bug: 'a budget allows more evictions than it has', topics: ['budgets'], noticed: /PodDisruptionBudget .* promises .* an eviction leaves/,
    client: onWrite('poddisruptionbudgets', 'updateStatus', ({ object, args }, proceed) => proceed([{ ...object, status: { ...(object as { status?: object }).status, disruptionsAllowed: 99 } }, ...args.slice(1)])),
  },
];
