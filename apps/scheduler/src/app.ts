/**
 * The scheduler gives every waiting pod a node: Kubernetes' scheduling framework over a column-wise picture of the
 * cluster. How a pod goes through it: docs/design/005-scheduler.md. All state is rebuilt from the watch at the start of
 * each term of leadership; two schedulers at once cannot harm, because a pod is bound by compare-and-set.
 */
import { setMaxListeners } from 'node:events';

import { nodes as nodeResource, pods as podResource } from '@navarch/api';
import { deferred, type Clock, type Logger, type Random } from '@navarch/base';
import { createEventRecorder, createInformer, runLeaderElection, waitForSync, type ApiClient, type Informer } from '@navarch/client';
import type { Node, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { buildProfiles, defaultConfig, type SchedulerConfig } from './config';
import { Scheduler, type AttemptRecord } from './cycle/scheduler';
import type { PluginFactory, PluginHandle } from './framework/plugin';
import { WaitingPods } from './framework/waiting-pods';
import { ConditionWriter } from './observe/condition-writer';
import { Diagnoses, type PendingPod } from './observe/diagnoses';
import { Outcomes } from './observe/outcomes';
import { SchedulingTrace } from './observe/trace';
import { WatchHandlers } from './observe/watch-handlers';
import { SchedulingQueue } from './queue/scheduling-queue';
import { ClusterCache } from './snapshot/cluster-cache';
import { VolumeCaches } from './snapshot/volume-caches';

export interface SchedulerDependencies {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Over all pods and nodes; made and started here where absent. */
  readonly informers?: { readonly pods: Informer<Pod>; readonly nodes: Informer<Node> };
  readonly config?: Partial<SchedulerConfig>;
  /** Plugins beside the in-tree ones, by name. */
  readonly plugins?: Readonly<Record<string, PluginFactory>>;
  /** Who takes part in the election of the one scheduler that works; absent: this one works at once. */
  readonly leaderElection?: { readonly identity: string; readonly namespace?: string; readonly name?: string };
  onAttempt?(record: AttemptRecord): void;
}

export type QueueCounts = SchedulingQueue['counts'];

export interface RunningScheduler {
  /** Resolves when it has become leader and taken over the cluster's state. */
  readonly ready: Promise<void>;
  readonly leading: boolean;
  /** Why a pod waits; undefined where it does not, or is not known (any more). */
  diagnose(namespace: string, name: string): PendingPod | undefined;
  counts(): QueueCounts | undefined;
  /** Settles when it has stopped; rejects where it cannot go on. */
  readonly done: Promise<void>;
  /** Gives up leadership and waits until nothing of it runs any more. */
  close(): Promise<void>;
}

interface Term {
  readonly queue: SchedulingQueue;
  readonly diagnoses: Diagnoses;
}

/** Starts a scheduler; a bad configuration throws at once. */
export function runScheduler(dependencies: SchedulerDependencies): RunningScheduler {
  const config = { ...defaultConfig, ...dependencies.config };
  const stop = new AbortController();
  const ready = deferred<void>();
  let term: Term | undefined;
  const volumes = new VolumeCaches(dependencies);
  volumes.start(stop.signal);
  // Once for its errors: each term builds its own.
  newCluster(dependencies, config, volumes);
  const informers = dependencies.informers ?? startInformers(dependencies, stop.signal);

  const lead = async (signal: AbortSignal): Promise<void> => {
    if (!(await waitForSync([informers.nodes, informers.pods, ...volumes.informers], signal))) return;
    const { scheduler, detach, ...opened } = openTerm(dependencies, config, { ...informers, volumes }, signal);
    term = opened;
    ready.resolve();
    await aborted(signal);
    term = undefined;
    detach();
    await scheduler.close();
  };
  const done = elect(dependencies, lead, stop.signal);
  return {
    ready: ready.promise,
    done,
    get leading() {
      return term !== undefined;
    },
    diagnose: (namespace, name) => term?.diagnoses.get(namespace, name),
    counts: () => term?.queue.counts,
    close: async () => {
      stop.abort(new Error('the scheduler stops'));
      await done;
    },
  };
}

function elect({ leaderElection, ...common }: SchedulerDependencies, lead: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
  if (!leaderElection) return lead(signal);
  const { identity, namespace = 'kube-system', name = 'kube-scheduler' } = leaderElection;
  const { client, clock, random, logger } = common;
  return runLeaderElection({ client, clock, random, logger, identity, namespace, name, lead, signal });
}

function startInformers({ client, clock, random, logger }: SchedulerDependencies, signal: AbortSignal): { pods: Informer<Pod>; nodes: Informer<Node> } {
  const pods = createInformer({ client: client.resource(podResource), resource: podResource, clock, random, logger });
  const nodes = createInformer({ client: client.resource(nodeResource), resource: nodeResource, clock, random, logger });
  nodes.start(signal);
  pods.start(signal);
  return { pods, nodes };
}

function newCluster({ client, clock, plugins }: SchedulerDependencies, config: SchedulerConfig, volumes: VolumeCaches) {
  const cache = new ClusterCache();
  const waiting = new WaitingPods(clock);
  const handle: PluginHandle = { client, nodes: cache.table, volumes, waitingPods: () => waiting.all() };
  return { cache, waiting, profiles: buildProfiles(config.profiles, handle, plugins) };
}

/** One term of leadership: everything in it starts from the informers and ends with the signal. */
function openTerm(dependencies: SchedulerDependencies, config: SchedulerConfig, informers: { pods: Informer<Pod>; nodes: Informer<Node>; volumes: VolumeCaches }, signal: AbortSignal) {
  const { client, clock, random, logger, onAttempt } = dependencies;
  // Each call in flight listens to it, and many are in flight on purpose.
  setMaxListeners(0, signal);
  const { cache, waiting, profiles } = newCluster(dependencies, config, informers.volumes);
  const queue: SchedulingQueue = new SchedulingQueue({
    clock, profiles, initialBackoffMs: config.podInitialBackoffMs, maxBackoffMs: config.podMaxBackoffMs,
    unschedulableTimeoutMs: config.unschedulableTimeoutMs, onReady: () => scheduler.wake(),
  });
  const diagnoses = new Diagnoses();
  const outcomes = new Outcomes({
    recorder: createEventRecorder({ client, clock, random, logger, component: 'default-scheduler' }),
    conditions: new ConditionWriter(client, informers.pods, clock, logger, signal), diagnoses, clock, logger,
  });
  const scheduler: Scheduler = new Scheduler({
    client, clock, random, logger, config, profiles, cache, queue, waiting, outcomes, trace: new SchedulingTrace(clock), pods: informers.pods, signal,
    ...(onAttempt && { onAttempt }),
  });
  const detach = new WatchHandlers({ cache, queue, profiles, waiting, outcomes, scheduler }).attach(informers.nodes, informers.pods, informers.volumes);
  return { scheduler, queue, diagnoses, detach };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
