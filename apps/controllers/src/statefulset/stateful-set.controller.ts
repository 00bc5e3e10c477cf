import { context as otel } from '@opentelemetry/api';

import { deepEqual, isPodReady, matcherOf, statefulSets, type LabelMatcher } from '@navarch/api';
import { ApiError, toError } from '@navarch/base';
import { cacheOnly, startController, watching, type EventHeaders, type ObjectChange, type ReconcileContext, type ReconcileResult, type Request } from '@navarch/client';
import type { ControllerRevision, StatefulSet, StatefulSetStatus } from '@navarch/proto/k8s/io/api/apps/v1/apps';
import type { PersistentVolumeClaim, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { ControllerDependencies, StartController } from '../dependencies';
import { ConfigRollouts } from '../revisions/config-rollouts';
import { inTraceOf } from '../revisions/request-trace';
import { syncHistory, truncateHistory, type History } from '../revisions/sync-history';
import { templateOf } from '../revisions/template-patch';
import { claimObjects } from '../workload/claim';
import { asksForConfigRollout, configMatters, configUsers } from '../workload/config-use';
import { withFailure } from '../workload/failure-condition';
import { throwUnlessGone } from '../workload/gone';
import { keyOf, ownersOf } from '../workload/owned';
import { nextAvailableMs } from '../workload/pod-state';
import { slowStart } from '../workload/slow-start';
import { mustBeAsRead } from '../workload/still-as-read';
import { createPod, deletePod, type PodEventTexts } from '../workload/write-pods';
import { claimsOf, ordinalOf, ordinalsOf, podOf, revisionOf } from './identity';
import { planClaims } from './plan-claims';
import { cannotStart, placesOf, planStatefulSet, type StatefulSetAction, type StatefulSetView } from './plan-stateful-set';
import { statusOf } from './stateful-set-status';
import { ownClaims, provideClaims } from './write-claims';

const workers = 5;
/** Refused pods are tried again so often at least: someone may have made room. */
const maxBackoffMs = 60_000;

const selectorOf = ({ spec }: StatefulSet): LabelMatcher => matcherOf(spec?.selector ?? {});

const textsFor = (set: StatefulSet): PodEventTexts => {
  const inSet = (verb: string, pod: string): string => `${verb} Pod ${pod} in StatefulSet ${set.metadata?.name}`;
  return {
    created: (pod) => `${inSet('create', pod)} successful`,
    notCreated: (pod, error) => `${inSet('create', pod)} failed error: ${error}`,
    deleted: (pod) => `${inSet('delete', pod)} successful`,
    notDeleted: (pod, error) => `${inSet('delete', pod)} failed error: ${error}`,
  };
};

class StatefulSets {
  private readonly rollouts: ConfigRollouts;

  constructor(private readonly dependencies: ControllerDependencies) {
    this.rollouts = new ConfigRollouts(dependencies);
  }

  forget(set: StatefulSet): void {
    this.rollouts.calm(set);
  }

  async reconcile({ namespace, name }: Request, context: ReconcileContext): Promise<ReconcileResult | void> {
    const set = this.dependencies.informers.statefulSets.get(namespace, name);
    if (!set || set.metadata?.deletionTimestamp) return;
    const { spec, status } = set;
    const owner = { resource: statefulSets, object: set, selector: selectorOf(set), template: spec?.template, collisionCount: status?.collisionCount ?? 0, hashLabel: 'controller.kubernetes.io/hash' };
    const history = await syncHistory(this.dependencies, owner, this.rollouts, context);
    return otel.with(history.under, () => inTraceOf(this.requestBehind(set, history), () => this.converge(set, history, context)));
  }

  /** Of the write that asked for what is not yet so: of another revision, or of the set as it is. */
  private requestBehind({ metadata, spec, status }: StatefulSet, { update }: History): EventHeaders | undefined {
    const { informers } = this.dependencies;
    if (status?.currentRevision !== undefined && status.currentRevision !== nameOf(update) && status.updateRevision === nameOf(update)) {
      return informers.controllerRevisions.headers(metadata?.namespace ?? '', nameOf(update));
    }
    const unfinished = status?.observedGeneration !== metadata?.generation || (status?.replicas ?? 0) < (spec?.replicas ?? 1);
    return unfinished ? informers.statefulSets.headers(metadata?.namespace ?? '', metadata?.name ?? '') : undefined;
  }

  private async converge(set: StatefulSet, history: History, context: ReconcileContext): Promise<ReconcileResult | void> {
    const { informers, client, clock } = this.dependencies;
    const current = history.revisions.find(({ metadata }) => metadata?.name === set.status?.currentRevision) ?? history.update;
    const belongs = (pod: Pod): boolean => ordinalOf(set, pod) !== undefined;
    const pods = await claimObjects({ client, owner: { resource: statefulSets, object: set }, informer: informers.pods, selector: selectorOf(set), belongs, wrote: context.wrote });
    const view: StatefulSetView = { set, pods, currentRevision: nameOf(current), updateRevision: nameOf(history.update), nowMs: clock.now() };
    const failure = await this.apply(view, history, context).then(() => undefined, toError);
    const status = statusOf(view, history.collisionCount);
    await this.report(set, status, failure, context);
    if (failure) throw failure;
    const used = new Set([status.currentRevision, status.updateRevision, ...pods.map(revisionOf)]);
    await truncateHistory(this.dependencies, history.revisions, (revision) => used.has(nameOf(revision)), set.spec?.revisionHistoryLimit ?? 10, context);
    const requeueAfterMs = Math.min(nextAvailableMs(pods, set.spec?.minReadySeconds ?? 0, clock.now()) ?? Infinity, history.waitMs ?? Infinity);
    return requeueAfterMs < Infinity ? { requeueAfterMs } : undefined;
  }

  private async apply(view: StatefulSetView, history: History, context: ReconcileContext): Promise<void> {
    const actions = planStatefulSet(view);
    const creates = actions.filter(({ action }) => action === 'create');
    const others = actions.filter(({ action }) => action !== 'create');
    const fresh = once(() => mustBeAsRead(this.dependencies.client, statefulSets, view.set));
    if (others.some(({ action }) => action === 'delete')) await fresh();
    await this.tendClaims(view, fresh, context);
    const run = (action: StatefulSetAction): Promise<void> => this.run(view.set, action, history, context);
    const changed = await slowStart(others, run, others.length);
    const created = await slowStart(creates, run);
    const [first] = [...changed.failures, ...created.failures];
    if (first !== undefined) throw toError(first);
  }

  /** The claims of the pods that are there: some may be missing, some are to go with the set or the pod. */
  private async tendClaims({ set, pods }: StatefulSetView, fresh: () => Promise<void>, context: ReconcileContext): Promise<void> {
    if ((set.spec?.volumeClaimTemplates ?? []).length === 0) return;
    const { condemned } = placesOf(set, pods);
    for (const pod of pods) {
      const plan = this.claimsFor(set, ordinalOf(set, pod) ?? 0, pod, condemned.includes(pod));
      if (plan.own.length > 0) await fresh();
      await ownClaims(this.dependencies, plan, context);
      if (pod.status?.phase === 'Pending' && !pod.metadata?.deletionTimestamp && !condemned.includes(pod)) await provideClaims(this.dependencies, set, plan, context);
    }
  }

  private claimsFor(set: StatefulSet, ordinal: number, pod: Pod | undefined, condemned: boolean) {
    const claim = (name: string): PersistentVolumeClaim | undefined => this.dependencies.informers.persistentVolumeClaims.get(set.metadata?.namespace ?? '', name);
    return planClaims({ set, ordinal, pod, condemned, claim });
  }

  private async run(set: StatefulSet, action: StatefulSetAction, history: History, context: ReconcileContext): Promise<void> {
    const owner = { resource: statefulSets, object: set };
    switch (action.action) {
      case 'create':
        return this.create(set, action, history, context);
      case 'delete':
        context.logger.info('pod of a StatefulSet goes', { pod: action.pod.metadata?.name, because: action.because });
        return deletePod(this.dependencies, owner, action.pod, textsFor(set), context);
      case 'label':
        return this.label(action.pod, action.labels, context);
    }
  }

  private async create(set: StatefulSet, { ordinal, revision }: Extract<StatefulSetAction, { action: 'create' }>, { revisions, update }: History, context: ReconcileContext): Promise<void> {
    const plan = this.claimsFor(set, ordinal, undefined, false);
    if (plan.going.length > 0) throw new ApiError('Conflict', `claims ${plan.going.join(', ')} are being deleted: the pod of ordinal ${ordinal} waits until they are gone`);
    if (plan.own.length > 0) await mustBeAsRead(this.dependencies.client, statefulSets, set);
    await ownClaims(this.dependencies, plan, context);
    await provideClaims(this.dependencies, set, plan, context);
    const kept = revisions.find((one) => nameOf(one) === revision) ?? update;
    const pod = podOf(set, kept === update ? (set.spec?.template ?? {}) : templateOf(kept), nameOf(kept), ordinal);
    await createPod(this.dependencies, { resource: statefulSets, object: set }, pod, ordinalsOf(set).count, textsFor(set), context);
  }

  private async label({ metadata }: Pod, labels: Readonly<Record<string, string>>, { wrote }: ReconcileContext): Promise<void> {
    const { client, informers } = this.dependencies;
    const { namespace = '', name = '', uid = '' } = metadata ?? {};
    await wrote(informers.pods, await client.resource(informers.pods.resource).patch(namespace, name, 'application/merge-patch+json', { metadata: { uid, labels } }));
  }

  private async report(set: StatefulSet, observed: StatefulSetStatus, failure: Error | undefined, { wrote }: ReconcileContext): Promise<void> {
    const { informers, client, clock } = this.dependencies;
    const status = { ...observed, ...withFailure(set.status?.conditions, failure, clock.now()) };
    if (deepEqual(status, set.status ?? {})) return;
    try {
      await wrote(informers.statefulSets, await client.resource(statefulSets).updateStatus({ ...set, status }));
    } catch (thrown) {
      throwUnlessGone(thrown, informers.statefulSets, set);
    }
  }
}

const nameOf = ({ metadata }: ControllerRevision): string => metadata?.name ?? '';

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= work());
}

/** Its own status must not bring a key back that backs off. */
function setMatters({ type, object, old }: ObjectChange<StatefulSet>): boolean {
  return type !== 'MODIFIED' || !old || statefulSets.changesWanted(object, old) || asksForConfigRollout(object) !== asksForConfigRollout(old);
}

/** Whether a pod's change may concern its set: not everything a kubelet reports does. */
function podMatters({ type, object, old }: ObjectChange<Pod>): boolean {
  if (type !== 'MODIFIED' || !old) return true;
  const facts = (pod: Pod): unknown[] => [pod.metadata?.labels, pod.metadata?.ownerReferences, pod.metadata?.deletionTimestamp !== undefined, pod.status?.phase, isPodReady(pod), cannotStart(pod)];
  return !deepEqual(facts(object), facts(old));
}

export const startStatefulSets: StartController = (dependencies, signal) => {
  const { clock, random, logger, informers, observe } = dependencies;
  const sets = new StatefulSets(dependencies);
  return startController({
    name: 'statefulset', clock, random, logger, signal, concurrency: workers, maxBackoffMs, ...(observe && { observe }),
    watches: [
      watching(informers.statefulSets, {
        keys: (set) => [keyOf(set)],
        when: (change) => {
          if (change.type === 'DELETED') sets.forget(change.object);
          return setMatters(change);
        },
      }),
      watching(informers.pods, { keys: ownersOf(informers.statefulSets, selectorOf), when: podMatters }),
      watching(informers.persistentVolumeClaims, { keys: (claim) => setsOf(informers.statefulSets.list(claim.metadata?.namespace ?? ''), claim), when: ({ type }) => type === 'DELETED' }),
      cacheOnly(informers.controllerRevisions),
      watching(informers.configMaps, { keys: configUsers(informers.statefulSets, 'configmap'), when: configMatters }),
      watching(informers.secrets, { keys: configUsers(informers.statefulSets, 'secret'), when: configMatters }),
    ],
    reconcile: (request, context) => sets.reconcile(request, context),
  });
};

/** The sets that would give a claim this name. */
function setsOf(sets: readonly StatefulSet[], { metadata }: PersistentVolumeClaim): Request[] {
  return sets.filter((set) => {
    const ordinal = Number(/-(\d+)$/.exec(metadata?.name ?? '')?.[1] ?? NaN);
    return claimsOf(set, ordinal).some((claim) => claim.metadata?.name === metadata?.name);
  }).map(keyOf);
}
