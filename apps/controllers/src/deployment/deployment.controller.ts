/** Rolls out what a Deployment wants through its ReplicaSets: reads caches, plans (plan-deployment.ts), applies. */
import { context as otel, type Context } from '@opentelemetry/api';

import { deepEqual, deployments, isPodTerminal, matcherOf, replicaSets, type LabelMatcher } from '@navarch/api';
import { ApiError, isAlreadyExists, isNotFound, toError } from '@navarch/base';
import { startController, watching, type ObjectChange, type ReconcileContext, type ReconcileResult, type Request } from '@navarch/client';
import type { Deployment, DeploymentStatus, ReplicaSet } from '@navarch/proto/k8s/io/api/apps/v1/apps';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { ControllerDependencies, StartController } from '../dependencies';
import { claimObjects } from '../workload/claim';
import { ConfigSettling } from '../workload/config-settling';
import { asksForConfigRollout, changedText, configDigest, configMatters, configRecordAnnotation, configState, configUsers } from '../workload/config-use';
import { throwUnlessGone } from '../workload/gone';
import { controllingOwner, keyOf, objectReference, ownedBy, ownersOf } from '../workload/owned';
import { createOwned } from '../workload/pod-from-template';
import { chooseSet, type SetChoice } from './choose-set';
import { annotations, isBeingDeleted, nameOf, revisionOf, sameTemplate, wantedReplicas } from './facts';
import { planDeployment, statusWithoutSet, type DeploymentAction, type DeploymentPlan, type DeploymentView } from './plan-deployment';
import { isComplete } from './plan-status';

const workers = 5;
const maxBackoffMs = 60_000;

class Deployments {
  private readonly settling: ConfigSettling;
  /** Where a change of configuration waits: the trace of who made it. */
  private readonly changeContexts = new Map<string, Context>();

  constructor(private readonly dependencies: ControllerDependencies) {
    const { configRolloutQuietMs, configRolloutMaxWaitMs } = dependencies.config;
    this.settling = new ConfigSettling({ quietMs: configRolloutQuietMs, maxWaitMs: configRolloutMaxWaitMs });
  }

  forget(uid: string): void {
    this.settling.calm(uid);
    this.changeContexts.delete(uid);
  }

  async reconcile({ namespace, name }: Request, context: ReconcileContext): Promise<ReconcileResult | void> {
    const { informers, client, clock } = this.dependencies;
    const deployment = informers.deployments.get(namespace, name);
    if (!deployment) return;
    const sets = await claimObjects({ client, owner: { resource: deployments, object: deployment }, informer: informers.replicaSets, selector: selectorOf(deployment), wrote: context.wrote });
    const { choice, waitMs, under } = this.choose(deployment, sets);
    const view: DeploymentView = { deployment, sets, choice, podsOf: (set) => ownedBy(informers.pods, set), nowMs: clock.now() };
    const plan = planDeployment(view);
    await otel.with(under, () => this.apply(view, plan, context));
    const waits = [plan.againInMs, waitMs].filter((each) => each !== undefined);
    return waits.length === 0 ? undefined : { requeueAfterMs: Math.min(...waits) };
  }

  /** The new set, and while a change of configuration settles, the present one and for how long still. */
  private choose(deployment: Deployment, sets: readonly ReplicaSet[]): { choice: SetChoice; waitMs?: number; under: Context } {
    const { informers, clock } = this.dependencies;
    const { uid = '', namespace = '' } = deployment.metadata ?? {};
    const config = asksForConfigRollout(deployment) ? configState(deployment.spec?.template, namespace, informers) : undefined;
    const choice = chooseSet(deployment, sets, config);
    const under = this.changeContexts.get(uid) ?? otel.active();
    if (!config || !choice.until || isBeingDeleted(deployment)) {
      this.forget(uid);
      return { choice, under: otel.active() };
    }
    if (deployment.spec?.paused) return { choice: choice.until, under: otel.active() };
    const waitMs = this.settling.wait(uid, configDigest(config), clock.monotonic());
    if (waitMs > 0) {
      this.changeContexts.set(uid, under);
      return { choice: choice.until, waitMs, under: otel.active() };
    }
    return { choice, under };
  }

  private async apply(view: DeploymentView, plan: DeploymentPlan, context: ReconcileContext): Promise<void> {
    const { deployment } = view;
    for (const action of plan.actions) {
      if (action.type === 'create') await this.create(view, action.set, context);
      else if (action.type === 'update') await this.update(deployment, action, context);
      else await this.remove(action.set, context);
    }
    await this.report(deployment, plan.status, plan.revision, context);
  }

  private async create(view: DeploymentView, set: ReplicaSet, context: ReconcileContext): Promise<void> {
    const { client, informers } = this.dependencies;
    const { deployment, choice } = view;
    const name = nameOf(set);
    const created = await createOwned(client.resource(replicaSets), set).catch(async (thrown: unknown) => {
      if (isAlreadyExists(thrown)) return undefined;
      const { message } = toError(thrown);
      this.event(deployment, 'Warning', 'ReplicaSetCreateError', `Failed to create new replica set "${name}": ${message}`);
      await this.report(deployment, statusWithoutSet(view, name, message), undefined, context);
      throw thrown;
    });
    if (!created || !isAsMade(created, set)) return this.takeNextHash(deployment, name, context);
    await context.wrote(informers.replicaSets, created);
    if (choice.changed.length > 0) this.event(deployment, 'Normal', 'ConfigurationChanged', `Rolling out the change of ${changedText(choice.changed)}`);
    if (wantedReplicas(set) > 0) this.event(deployment, 'Normal', 'ScalingReplicaSet', `Scaled up replica set ${name} from 0 to ${wantedReplicas(set)}`);
  }

  /** Another template has the same hash, or another owner the name. Throws, so that the next attempt takes another hash. */
  private async takeNextHash(deployment: Deployment, name: string, { wrote }: ReconcileContext): Promise<never> {
    const { client, informers } = this.dependencies;
    const collisionCount = (deployment.status?.collisionCount ?? 0) + 1;
    await wrote(informers.deployments, await client.resource(deployments).updateStatus({ ...deployment, status: { ...deployment.status, collisionCount } }));
    throw new ApiError('AlreadyExists', `replica set "${name}" is there already and another's: collision ${collisionCount} of the template's hash`);
  }

  private async update(deployment: Deployment, { set, before }: Extract<DeploymentAction, { type: 'update' }>, { wrote }: ReconcileContext): Promise<void> {
    const { client, informers } = this.dependencies;
    await wrote(informers.replicaSets, await client.resource(replicaSets).update(set));
    const [from, to] = [wantedReplicas(before), wantedReplicas(set)];
    if (from !== to) this.event(deployment, 'Normal', 'ScalingReplicaSet', `Scaled ${to > from ? 'up' : 'down'} replica set ${nameOf(set)} from ${from} to ${to}`);
  }

  private async remove({ metadata }: ReplicaSet, { wrote }: ReconcileContext): Promise<void> {
    const { client, informers } = this.dependencies;
    const { namespace = '', name = '', uid = '', resourceVersion = '' } = metadata ?? {};
    try {
      await wrote(informers.replicaSets, await client.resource(replicaSets).delete(namespace, name, { deleteOptions: { preconditions: { uid, resourceVersion } } }));
    } catch (thrown) {
      if (!isNotFound(thrown)) throw thrown;
    }
  }

  private async report(deployment: Deployment, status: DeploymentStatus, revision: string | undefined, { wrote }: ReconcileContext): Promise<void> {
    const { client, informers } = this.dependencies;
    const noted = revision === undefined ? deployment.metadata?.annotations : { ...deployment.metadata?.annotations, [annotations.revision]: revision };
    if (deepEqual(status, deployment.status ?? {}) && deepEqual(noted, deployment.metadata?.annotations)) return;
    const metadata = { ...deployment.metadata, ...(noted && { annotations: noted }) };
    try {
      await wrote(informers.deployments, await client.resource(deployments).updateStatus({ ...deployment, metadata, status }));
    } catch (thrown) {
      throwUnlessGone(thrown, informers.deployments, deployment);
    }
  }

  private event(deployment: Deployment, type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.dependencies.recorder.event(objectReference({ resource: deployments, object: deployment }), type, reason, message);
  }
}

const selectorOf = ({ spec }: Deployment): LabelMatcher => matcherOf(spec?.selector);

/** Made by an attempt whose answer was lost, not by another template that has the same hash. */
function isAsMade({ metadata, spec }: ReplicaSet, set: ReplicaSet): boolean {
  const record = (annotated: ReplicaSet['metadata']): string | undefined => annotated?.annotations?.[configRecordAnnotation];
  return sameTemplate(spec?.template, set.spec?.template) && record(metadata) === record(set.metadata);
}

/** Its status is of our own making. */
function deploymentMatters({ type, object, old }: ObjectChange<Deployment>): boolean {
  return type !== 'MODIFIED' || !old || deployments.changesWanted(object, old) || !deepEqual(object.metadata?.annotations, old.metadata?.annotations);
}

export const startDeployment: StartController = (dependencies, signal) => {
  const { clock, random, logger, informers, observe } = dependencies;
  const rollouts = new Deployments(dependencies);
  const deploymentOf = (set: ReplicaSet): Deployment | undefined => controllingOwner(informers.deployments, set);
  const recreated = (pod: Pod): readonly Request[] => {
    const set = controllingOwner(informers.replicaSets, pod);
    const deployment = set && deploymentOf(set);
    return deployment?.spec?.strategy?.type === 'Recreate' ? [keyOf(deployment)] : [];
  };
  return startController({
    name: 'deployment', clock, random, logger, signal, concurrency: workers, maxBackoffMs, ...(observe && { observe }),
    watches: [
      watching(informers.deployments, {
        keys: (deployment) => [keyOf(deployment)],
        when: (change) => {
          if (change.type === 'DELETED') rollouts.forget(change.object.metadata?.uid ?? '');
          return deploymentMatters(change);
        },
      }),
      watching(informers.replicaSets, {
        keys: ownersOf(informers.deployments, selectorOf),
        // Until the rollout is done, what its new set reports still belongs to who began it.
        unfinished: (set) => {
          const deployment = deploymentOf(set);
          return deployment !== undefined && String(revisionOf(set)) === deployment.metadata?.annotations?.[annotations.revision] && !isComplete(deployment, deployment.status ?? {});
        },
      }),
      watching(informers.pods, { keys: recreated, when: ({ type, object, old }) => type === 'DELETED' || (type === 'MODIFIED' && isPodTerminal(object) && old !== undefined && !isPodTerminal(old)) }),
      watching(informers.configMaps, { keys: configUsers(informers.deployments, 'configmap'), when: configMatters }),
      watching(informers.secrets, { keys: configUsers(informers.deployments, 'secret'), when: configMatters }),
    ],
    reconcile: (request, context) => rollouts.reconcile(request, context),
  });
};
