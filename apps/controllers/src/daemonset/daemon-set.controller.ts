import { context as otel } from '@opentelemetry/api';

import { daemonSets, deepEqual, isPodReady, matcherOf, type LabelMatcher } from '@navarch/api';
import { toError } from '@navarch/base';
import { cacheOnly, startController, watching, type EventHeaders, type ObjectChange, type ReconcileContext, type ReconcileResult, type Request } from '@navarch/client';
import type { DaemonSet, DaemonSetStatus } from '@navarch/proto/k8s/io/api/apps/v1/apps';
import type { Node, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { ControllerDependencies, StartController } from '../dependencies';
import { ConfigRollouts } from '../revisions/config-rollouts';
import { inTraceOf } from '../revisions/request-trace';
import { syncHistory, truncateHistory, type History } from '../revisions/sync-history';
import { claimObjects } from '../workload/claim';
import { asksForConfigRollout, configMatters, configUsers } from '../workload/config-use';
import { withFailure } from '../workload/failure-condition';
import { throwUnlessGone } from '../workload/gone';
import { keyOf, objectReference, ownersOf } from '../workload/owned';
import { nextAvailableMs } from '../workload/pod-state';
import { slowStart } from '../workload/slow-start';
import { mustBeAsRead } from '../workload/still-as-read';
import { createPod, deletePod, plainTexts } from '../workload/write-pods';
import { daemonSpec, fitOf, hashLabel, nodeOf, podFor } from './daemon-pod';
import { statusOf } from './daemon-set-status';
import { FailedPods } from './failed-pods';
import { placesOf, planDaemonSet, type DaemonSetPlan, type DaemonSetView } from './plan-daemon-set';

const workers = 4;
/** Refused pods are tried again so often at least: someone may have made room. */
const maxBackoffMs = 60_000;

const selectorOf = ({ spec }: DaemonSet): LabelMatcher => matcherOf(spec?.selector ?? {});

class DaemonSets {
  private readonly failedPods = new FailedPods();
  private readonly rollouts: ConfigRollouts;

  constructor(private readonly dependencies: ControllerDependencies) {
    this.rollouts = new ConfigRollouts(dependencies);
  }

  forget(set: DaemonSet): void {
    this.rollouts.calm(set);
  }

  async reconcile({ namespace, name }: Request, context: ReconcileContext): Promise<ReconcileResult | void> {
    const set = this.dependencies.informers.daemonSets.get(namespace, name);
    if (!set || set.metadata?.deletionTimestamp) return;
    const owner = { resource: daemonSets, object: set, selector: selectorOf(set), template: set.spec?.template, collisionCount: set.status?.collisionCount ?? 0, hashLabel };
    const history = await syncHistory(this.dependencies, owner, this.rollouts, context);
    return otel.with(history.under, () => inTraceOf(this.requestBehind(set, history), () => this.converge(set, history, context)));
  }

  /** Of the write that asked for what is not yet so: of the set as it is, or of its revision. */
  private requestBehind({ metadata, status }: DaemonSet, { update }: History): EventHeaders | undefined {
    const { informers } = this.dependencies;
    const { namespace = '', name = '', generation } = metadata ?? {};
    if (status?.observedGeneration !== generation) return informers.daemonSets.headers(namespace, name);
    return isRolling(status) ? informers.controllerRevisions.headers(namespace, update.metadata?.name ?? '') : undefined;
  }

  private async converge(set: DaemonSet, history: History, context: ReconcileContext): Promise<ReconcileResult | void> {
    const { informers, client, clock } = this.dependencies;
    const pods = await claimObjects({ client, owner: { resource: daemonSets, object: set }, informer: informers.pods, selector: selectorOf(set), wrote: context.wrote });
    const hash = history.update.metadata?.labels?.[hashLabel] ?? '';
    const backsOff = (node: string): boolean => this.failedPods.waitMs(placeKey(set, node, hash), clock.monotonic()) > 0;
    const view: DaemonSetView = { set, nodes: informers.nodes.list(), pods, hash, nowMs: clock.now(), backsOff };
    const places = placesOf(view);
    const failure = await this.apply(view, planDaemonSet(view, places), context).then(() => undefined, toError);
    await this.report(set, statusOf(view, places, history.collisionCount), failure, context);
    if (failure) throw failure;
    const used = new Set([hash, ...pods.map(({ metadata }) => metadata?.labels?.[hashLabel])]);
    await truncateHistory(this.dependencies, history.revisions, ({ metadata }) => used.has(metadata?.labels?.[hashLabel]), set.spec?.revisionHistoryLimit ?? 10, context);
    const requeueAfterMs = Math.min(this.lookAgainInMs(view), history.waitMs ?? Infinity);
    return requeueAfterMs < Infinity ? { requeueAfterMs } : undefined;
  }

  private async apply(view: DaemonSetView, { create, remove }: DaemonSetPlan, context: ReconcileContext): Promise<void> {
    const { client, informers } = this.dependencies;
    const { set, hash } = view;
    const owner = { resource: daemonSets, object: set };
    if (remove.length > 0) await mustBeAsRead(client, daemonSets, set);
    const removed = await slowStart(remove, (one) => this.remove(view, one, context), remove.length);
    const spec = daemonSpec(set);
    const isTaken = (name: string): boolean => informers.pods.get(set.metadata?.namespace ?? '', name) !== undefined;
    const podsOfRequest = Math.max(create.length, isRolling(set.status) ? (set.status?.desiredNumberScheduled ?? 0) : 0);
    const created = await slowStart(create, (node) => createPod(this.dependencies, owner, podFor(set, spec, node, hash, isTaken), podsOfRequest, plainTexts, context));
    const [first] = [...removed.failures, ...created.failures];
    if (first !== undefined) throw toError(first);
  }

  private async remove({ set, hash }: DaemonSetView, { pod, because }: DaemonSetPlan['remove'][number], context: ReconcileContext): Promise<void> {
    const { recorder, clock } = this.dependencies;
    const node = nodeOf(pod) ?? '';
    context.logger.info('pod of a DaemonSet goes', { pod: pod.metadata?.name, node, because });
    if (because === 'failed' || because === 'succeeded') {
      const [type, reason] = because === 'failed' ? ['Warning', 'FailedDaemonPod'] as const : ['Normal', 'SucceededDaemonPod'] as const;
      recorder.event(objectReference({ resource: daemonSets, object: set }), type, reason, `Found ${because} daemon pod ${pod.metadata?.namespace}/${pod.metadata?.name} on node ${node}, will try to ${because === 'failed' ? 'kill' : 'delete'} it`);
    }
    await deletePod(this.dependencies, { resource: daemonSets, object: set }, pod, plainTexts, context);
    if (because === 'failed') this.failedPods.replaced(placeKey(set, node, hash), clock.monotonic());
  }

  private async report(set: DaemonSet, observed: DaemonSetStatus, failure: Error | undefined, { wrote }: ReconcileContext): Promise<void> {
    const { informers, client, clock } = this.dependencies;
    const status = { ...observed, ...withFailure(set.status?.conditions, failure, clock.now()) };
    if (deepEqual(status, set.status ?? {})) return;
    try {
      await wrote(informers.daemonSets, await client.resource(daemonSets).updateStatus({ ...set, status }));
    } catch (thrown) {
      throwUnlessGone(thrown, informers.daemonSets, set);
    }
  }

  /** Until a pod becomes available by time alone, or one that failed may be replaced; Infinity: no need. */
  private lookAgainInMs({ set, pods, hash }: DaemonSetView): number {
    const { clock } = this.dependencies;
    const failed = pods.filter(({ status, metadata }) => status?.phase === 'Failed' && !metadata?.deletionTimestamp);
    const waits = failed.map((pod) => this.failedPods.waitMs(placeKey(set, nodeOf(pod) ?? '', hash), clock.monotonic())).filter((waitMs) => waitMs > 0);
    return Math.min(...waits, nextAvailableMs(pods, set.spec?.minReadySeconds ?? 0, clock.now()) ?? Infinity);
  }
}

/** A new template is a new chance. */
const placeKey = ({ metadata }: DaemonSet, node: string, hash: string): string => `${metadata?.uid}/${node}/${hash}`;

/** Its own status must not bring a key back that backs off. */
function setMatters({ type, object, old }: ObjectChange<DaemonSet>): boolean {
  return type !== 'MODIFIED' || !old || daemonSets.changesWanted(object, old) || asksForConfigRollout(object) !== asksForConfigRollout(old);
}

/** Whether a pod's change may concern its set: not everything a kubelet reports does. */
function podMatters({ type, object, old }: ObjectChange<Pod>): boolean {
  if (type !== 'MODIFIED' || !old) return true;
  const facts = (pod: Pod): unknown[] => [pod.metadata?.labels, pod.metadata?.ownerReferences, pod.metadata?.deletionTimestamp !== undefined, pod.status?.phase, isPodReady(pod), pod.spec?.nodeName];
  return !deepEqual(facts(object), facts(old));
}

/** Heartbeats do not decide where daemons run. */
function nodeMatters({ type, object, old }: ObjectChange<Node>): boolean {
  return type !== 'MODIFIED' || !old || !deepEqual([object.metadata?.labels, object.spec?.taints], [old.metadata?.labels, old.spec?.taints]);
}

/** Nodes still wait for the present revision. */
const isRolling = (status: DaemonSetStatus | undefined): boolean => (status?.updatedNumberScheduled ?? 0) < (status?.desiredNumberScheduled ?? 0);

export const startDaemonSets: StartController = (dependencies, signal) => {
  const { clock, random, logger, informers, observe } = dependencies;
  const sets = new DaemonSets(dependencies);
  return startController({
    name: 'daemonset', clock, random, logger, signal, concurrency: workers, maxBackoffMs, ...(observe && { observe }),
    watches: [
      watching(informers.daemonSets, {
        keys: (set) => [keyOf(set)],
        when: (change) => {
          if (change.type === 'DELETED') sets.forget(change.object);
          return setMatters(change);
        },
      }),
      watching(informers.pods, { keys: ownersOf(informers.daemonSets, selectorOf), when: podMatters }),
      watching(informers.nodes, { keys: (node) => informers.daemonSets.list().filter((set) => concerns(set, node)).map(keyOf), when: nodeMatters }),
      cacheOnly(informers.controllerRevisions),
      watching(informers.configMaps, { keys: configUsers(informers.daemonSets, 'configmap'), when: configMatters }),
      watching(informers.secrets, { keys: configUsers(informers.daemonSets, 'secret'), when: configMatters }),
    ],
    reconcile: (request, context) => sets.reconcile(request, context),
  });
};

/** The set has, had or will have something on the node. */
function concerns(set: DaemonSet, node: Node): boolean {
  const fit = fitOf(daemonSpec(set), node);
  return fit.wanted || fit.mayStay;
}
