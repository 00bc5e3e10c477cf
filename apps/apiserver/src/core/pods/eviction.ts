import { isPodReady, matcherOf, setCondition, timeFromMs } from '@navarch/api';
import { ApiError } from '@navarch/base';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { Eviction, PodDisruptionBudget, PodDisruptionBudgetStatus } from '@navarch/proto/k8s/io/api/policy/v1/policy';

import { badRequest, forbidden } from '../errors';
import type { Subresource, SubresourceContext } from '../kind-extension';
import type { ApiRequest, RequestOptions } from '../request';
import { checkDeleteOptions, checkPreconditions, planDeletion } from '../write/deletion';
import { readMessage } from '../write/message';

const budgets = { group: 'policy', plural: 'poddisruptionbudgets' };
/** More evictions than that without word from the disruption controller mean that it is not there. */
const maxUnconfirmed = 2_000;

/** Deletes a pod where its disruption budget allows it, and counts it there (policy/v1 Eviction; Kubernetes' "API-initiated eviction"). */
export const podEviction: Subresource = {
  verbs: ['create'],
  async handle(request, context) {
    const options = deleteOptionsOf(request);
    const dryRun = options.dryRun?.includes('All') ?? false;
    const pod = (await context.find()).object as Pod;
    checkPreconditions(context.resource, pod, options);
    if (isProtected(pod)) await spend(pod, context, dryRun);
    await context.mutate(({ object }) => {
      checkPreconditions(context.resource, object, options);
      return planDeletion(context.resource, disrupted(object as Pod, context.nowMs), options, context.nowMs);
    }, { dryRun });
    return { type: 'status', status: { status: 'Success', code: 201 } };
  },
};

/** The eviction's own delete options; a dry run may be asked for there or in the request, but not of different kinds. */
function deleteOptionsOf(request: ApiRequest): RequestOptions {
  const { deleteOptions = {} } = readMessage<Eviction>(request, 'k8s.io.api.policy.v1.Eviction');
  const { gracePeriodSeconds, preconditions = {}, propagationPolicy, orphanDependents, dryRun } = deleteOptions;
  for (const value of dryRun ?? []) if (value !== 'All') throw badRequest(`dryRun: Unsupported value: "${value}": supported values: "All"`);
  const { uid, resourceVersion } = preconditions;
  const options: RequestOptions = {
    gracePeriodSeconds, orphanDependents, propagationPolicy: propagationPolicy as RequestOptions['propagationPolicy'],
    preconditions: { ...(uid !== undefined && { uid }), ...(resourceVersion !== undefined && { resourceVersion }) },
    dryRun: dryRun?.length ? dryRun : request.options.dryRun,
  };
  checkDeleteOptions(options);
  return options;
}

/** Whoever watches the pod is to see why it goes (KEP-3329); of one that goes already it was somebody else who wanted it. */
function disrupted(pod: Pod, nowMs: number): Pod {
  if (pod.metadata?.deletionTimestamp) return pod;
  const condition = { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI', message: 'Eviction API: evicting' };
  return { ...pod, status: { ...pod.status, conditions: setCondition(pod.status?.conditions, condition, nowMs) } };
}

/** A pod that has not begun or is over disrupts nobody. */
function isProtected({ metadata, status }: Pod): boolean {
  return !metadata?.deletionTimestamp && !['Pending', 'Succeeded', 'Failed'].includes(status?.phase ?? '');
}

/** Takes one disruption from the pod's budget, if it has one that counts it. */
async function spend(pod: Pod, context: SubresourceContext, dryRun: boolean): Promise<void> {
  const [budget, second] = context.objectsIn(budgets.group, budgets.plural).map(({ object }) => object as PodDisruptionBudget)
    .filter(({ spec }) => matcherOf(spec?.selector).matches(pod.metadata?.labels ?? {}));
  if (second) throw new ApiError('Internal', 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.');
  if (!budget || isFree(pod, budget)) return;
  const name = budget.metadata?.name ?? '';
  await context.mutateObject(budgets, name, ({ object }) => ({ type: 'update', next: spent(object, pod.metadata?.name ?? '', context.nowMs) }), { dryRun });
}

/** An unready pod costs its budget nothing: always where the budget says so, else while enough others are healthy. */
function isFree(pod: Pod, { spec, status = {} }: PodDisruptionBudget): boolean {
  if (isPodReady(pod)) return false;
  const { currentHealthy = 0, desiredHealthy = 0 } = status;
  return spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow' || (desiredHealthy > 0 && currentHealthy >= desiredHealthy);
}

/** The budget after one more eviction; throws TooManyRequests where it allows none. */
function spent(budget: PodDisruptionBudget, pod: string, nowMs: number): PodDisruptionBudget {
  const { metadata = {}, status = {} } = budget;
  const name = metadata.name ?? '';
  const { disruptionsAllowed = 0, disruptedPods = {}, currentHealthy = 0, desiredHealthy = 0, observedGeneration = 0 } = status;
  if (observedGeneration < (metadata.generation ?? 0)) throw refused(`The disruption budget ${name} is still being processed by the server.`, 10);
  if (disruptionsAllowed < 0) throw forbidden(budgets, name, 'pdb disruptions allowed is negative');
  if (Object.keys(disruptedPods).length > maxUnconfirmed) throw forbidden(budgets, name, 'DisruptedPods map too big - too many evictions not confirmed by PDB controller');
  if (disruptionsAllowed === 0) throw refused(`The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`);
  const left = disruptionsAllowed - 1;
  const next: PodDisruptionBudgetStatus = {
    ...status, disruptionsAllowed: left || undefined, disruptedPods: { ...disruptedPods, [pod]: timeFromMs(Math.floor(nowMs / 1_000) * 1_000) },
    ...(left === 0 && { conditions: setCondition(status.conditions ?? [], {
      type: 'DisruptionAllowed', status: 'False', reason: 'InsufficientPods', observedGeneration: metadata.generation,
    }, nowMs) }),
  };
  return { ...budget, status: next };
}

function refused(message: string, retryAfterSeconds?: number): ApiError {
  return new ApiError('TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.", {
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }), causes: [{ reason: 'DisruptionBudget', field: '', message }],
  });
}
