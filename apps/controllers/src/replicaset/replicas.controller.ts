/**
 * Keeps the number of pods of a kind that wants so many of one template: ReplicaSet and ReplicationController, which differ only
 * in what `ReplicasKind` says.
 */
import { deepEqual, isPodReady, pods as podResource, type ApiObject, type LabelMatcher, type Resource } from '@navarch/api';
import { hasReason, isNotFound, toError } from '@navarch/base';
import { startController, watching, type Controller, type Informer, type ObjectChange, type ReconcileContext, type ReconcileResult, type Request } from '@navarch/client';
import type { ReplicaSetStatus } from '@navarch/proto/k8s/io/api/apps/v1/apps';
import type { Pod, PodTemplateSpec } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { ControllerDependencies } from '../dependencies';
import { claimObjects, mustStillOwn } from '../workload/claim';
import { throwUnlessGone } from '../workload/gone';
import { keyOf, objectReference, ownedBy, ownersOf, type Owner } from '../workload/owned';
import { createOwned, generatedName, podFromTemplate, underRequest } from '../workload/pod-from-template';
import { isActive, nextAvailableMs } from '../workload/pod-state';
import { slowStart, type SlowStart } from '../workload/slow-start';
import { planReplicas, replicasStatus, type ReplicasFailure, type ReplicasPlan } from './plan-replicas';

type WithStatus = ApiObject & { readonly status?: ReplicaSetStatus | undefined };

/** A kind that keeps a number of pods, and where its parts are. */
export interface ReplicasKind<O extends WithStatus> {
  /** The controller's name: its folder. */
  readonly name: string;
  readonly resource: Resource<O>;
  readonly informer: Informer<O>;
  selector(owner: O): LabelMatcher;
  wanted(owner: O): { readonly replicas: number; readonly minReadySeconds: number; readonly template: PodTemplateSpec | undefined };
  /** How many pods the request behind it makes in all: decides whether they share its trace. */
  podsOfRequest(owner: O): number;
  /** All pods whose spread over the nodes counts when some must go. */
  related(owner: O): readonly Pod[];
}

/** Refused pods are tried again so often at least: someone may have made room. */
const maxBackoffMs = 60_000;
const workers = 5;

class Replicas<O extends WithStatus> {
  constructor(private readonly dependencies: ControllerDependencies, private readonly kind: ReplicasKind<O>) {}

  async reconcile({ namespace, name }: Request, context: ReconcileContext): Promise<ReconcileResult | void> {
    const { informers, client, clock } = this.dependencies;
    const { kind } = this;
    const owner = kind.informer.get(namespace, name);
    if (!owner) return;
    const pods = await claimObjects({ client, owner: { resource: kind.resource, object: owner }, informer: informers.pods, selector: kind.selector(owner), belongs: belongsTo(owner), wrote: context.wrote });
    const { replicas, minReadySeconds } = kind.wanted(owner);
    const deleting = owner.metadata?.deletionTimestamp !== undefined;
    const plan = deleting ? { create: 0, remove: [] } : planReplicas(replicas, pods, clock.now(), kind.related(owner));
    const failure = await this.apply(owner, plan, context);
    const nowMs = clock.now();
    const present = ownedBy(informers.pods, owner).filter(({ metadata }) => kind.selector(owner).matches(metadata?.labels));
    await this.report(owner, replicasStatus(this.viewOf(owner), present, failure?.report, nowMs), context);
    if (failure) throw failure.cause;
    const requeueAfterMs = nextAvailableMs(present.filter(isActive), minReadySeconds, nowMs);
    return requeueAfterMs === undefined ? undefined : { requeueAfterMs };
  }

  private viewOf(owner: O) {
    const { minReadySeconds, template } = this.kind.wanted(owner);
    return { generation: owner.metadata?.generation ?? 0, minReadySeconds, templateLabels: template?.metadata?.labels ?? {}, status: owner.status ?? {} };
  }

  private async apply(owner: O, plan: ReplicasPlan, context: ReconcileContext): Promise<{ report: ReplicasFailure; cause: Error } | undefined> {
    if (plan.create === 0 && plan.remove.length === 0) return undefined;
    const creates = plan.create > 0;
    // Pods that are missing again may have been collected, with an owner whose end the cache has yet to hear of.
    if (creates && (owner.status?.replicas ?? 0) > 0) await mustStillOwn({ client: this.dependencies.client, owner: { resource: this.kind.resource, object: owner } });
    const { values, failures } = creates ? await this.createPods(owner, plan.create) : await this.deletePods(owner, plan.remove);
    for (const pod of values) if (pod) await context.wrote(this.dependencies.informers.pods, pod);
    // A namespace that is being deleted refuses all, and takes the owner with it: nothing to report, nothing to try again.
    const failed = failures.filter((thrown) => !isTerminatingNamespace(thrown));
    if (failed.length === 0) return undefined;
    const cause = toError(failed[0]);
    return { cause, report: { reason: creates ? 'FailedCreate' : 'FailedDelete', message: cause.message } };
  }

  private createPods(owner: O, count: number): Promise<SlowStart<Pod, Pod | undefined>> {
    const { client, random, recorder } = this.dependencies;
    const { template } = this.kind.wanted(owner);
    const generateName = `${owner.metadata?.name ?? ''}-`;
    const made = Array.from({ length: count }, () => podFromTemplate(template, this.asOwner(owner), { generateName, name: generatedName(generateName, random) }));
    return slowStart(made, async (pod) => {
      try {
        const created = await underRequest(this.kind.podsOfRequest(owner), () => createOwned(client.resource(podResource), pod));
        recorder.event(objectReference(this.asOwner(owner)), 'Normal', 'SuccessfulCreate', `Created pod: ${created.metadata?.name}`);
        return created;
      } catch (thrown) {
        if (!isTerminatingNamespace(thrown)) recorder.event(objectReference(this.asOwner(owner)), 'Warning', 'FailedCreate', `Error creating: ${toError(thrown).message}`);
        throw thrown;
      }
    });
  }

  private deletePods(owner: O, doomed: readonly Pod[]): Promise<SlowStart<Pod, Pod | undefined>> {
    const { client, recorder } = this.dependencies;
    return slowStart(doomed, async ({ metadata }) => {
      const { namespace = '', name = '', uid = '' } = metadata ?? {};
      try {
        const deleted = await client.resource(podResource).delete(namespace, name, { deleteOptions: { preconditions: { uid } } });
        recorder.event(objectReference(this.asOwner(owner)), 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`);
        return deleted;
      } catch (thrown) {
        if (isNotFound(thrown)) return undefined;
        recorder.event(objectReference(this.asOwner(owner)), 'Warning', 'FailedDelete', `Error deleting: ${toError(thrown).message}`);
        throw thrown;
      }
    }, doomed.length);
  }

  private async report(owner: O, status: ReplicaSetStatus, { wrote }: ReconcileContext): Promise<void> {
    if (deepEqual(status, owner.status ?? {})) return;
    try {
      await wrote(this.kind.informer, await this.dependencies.client.resource(this.kind.resource).updateStatus({ ...owner, status }));
    } catch (thrown) {
      throwUnlessGone(thrown, this.kind.informer, owner);
    }
  }

  private asOwner(owner: O): Owner<O> {
    return { resource: this.kind.resource, object: owner };
  }
}

/** Orphans that ended or end are nobody's gain; what is its own stays its own. */
function belongsTo(owner: ApiObject): (pod: Pod) => boolean {
  return (pod) => isActive(pod) || (pod.metadata?.ownerReferences ?? []).some(({ uid }) => uid === owner.metadata?.uid);
}

function isTerminatingNamespace(thrown: unknown): boolean {
  return hasReason(thrown, 'Forbidden') && (thrown.details.causes ?? []).some(({ reason }) => reason === 'NamespaceTerminating');
}

/** Whether a pod's change may concern the owner of so many of them: not every heartbeat of a container does. */
export function podMatters({ type, object, old }: ObjectChange<Pod>): boolean {
  if (type !== 'MODIFIED' || !old) return true;
  const facts = (pod: Pod): unknown[] => [pod.metadata?.labels, pod.metadata?.ownerReferences, pod.metadata?.deletionTimestamp !== undefined, isActive(pod), isPodReady(pod)];
  return !deepEqual(facts(object), facts(old));
}

export function startReplicas<O extends WithStatus>(dependencies: ControllerDependencies, kind: ReplicasKind<O>, signal: AbortSignal): Controller {
  const { clock, random, logger, informers, observe } = dependencies;
  const replicas = new Replicas(dependencies, kind);
  return startController({
    name: kind.name, clock, random, logger, signal, concurrency: workers, maxBackoffMs, ...(observe && { observe }),
    watches: [
      watching(kind.informer, {
        keys: (owner) => [keyOf(owner)],
        // Its own status must not bring a key back that backs off.
        when: ({ type, object, old }) => type !== 'MODIFIED' || !old || kind.resource.changesWanted(object, old),
      }),
      watching(informers.pods, { keys: ownersOf(kind.informer, (owner) => kind.selector(owner)), when: podMatters }),
    ],
    reconcile: (request, context) => replicas.reconcile(request, context),
  });
}
