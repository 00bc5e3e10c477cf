import { controllerOf, daemonSets, intOrPercent, intOrString, isPodTerminal, jobs, matcherOf, nodes, podDisruptionBudgets, pods, replicaSets, replicationControllers, resourceQuotas, timeToMs, type ApiObject, type Resource } from '@navarch/api';
import type { DaemonSet, Deployment, ReplicaSet } from '@navarch/proto/k8s/io/api/apps/v1/apps';
import type { Job } from '@navarch/proto/k8s/io/api/batch/v1/batch';
import type { Pod, ReplicationController } from '@navarch/proto/k8s/io/api/core/v1/core';

import { isUp } from '../witness';
import { nameOf, type Invariant, type Truth } from './invariant';

/** Neither over nor on its way out. */
export const isActive = (pod: Pod): boolean => !isPodTerminal(pod) && !pod.metadata?.deletionTimestamp;

const isNew = (resource: Resource, plural: string, before: ApiObject | undefined, after: ApiObject | undefined): after is ApiObject =>
  resource.plural === plural && before === undefined && after !== undefined;

/** What a pod's owner may have at most, now or lately, by its kind. */
const mostPods: Readonly<Record<string, (owner: ApiObject) => number>> = {
  [replicaSets.kind]: (owner) => (owner as ReplicaSet).spec?.replicas ?? 1,
  [replicationControllers.kind]: (owner) => (owner as ReplicationController).spec?.replicas ?? 1,
  [jobs.kind]: (owner) => (owner as Job).spec?.parallelism ?? 1,
};

/** ReplicaSet, ReplicationController and Job: never more active pods than lately wanted, but for creations nobody knows the end of. */
export const neverTooManyPods: Invariant = ({ resource, before, after }, { world, witness }) => {
  if (!isNew(resource, pods.plural, before, after)) return undefined;
  const reference = controllerOf(after);
  const most = mostPods[reference?.kind ?? ''];
  const owner = world.uid(reference?.uid);
  if (!most || !owner) return undefined;
  const wanted = Math.max(...witness.lately(owner).map(most));
  const active = world.owned(pods, owner).filter(isActive).length;
  const allowed = wanted + witness.excuse(owner, wanted);
  return active > allowed ? `${reference?.kind} ${nameOf(owner)} has ${active} active pods, ${wanted} were wanted${allowed > wanted ? ` and ${allowed - wanted} excused` : ''}` : undefined;
};

/** DaemonSet: one active pod per node, and one more while a surge is asked for. */
export const oneDaemonPodPerNode: Invariant = ({ resource, before, after }, { world, witness }) => {
  if (!isNew(resource, pods.plural, before, after) || controllerOf(after)?.kind !== daemonSets.kind) return undefined;
  const owner = world.uid(controllerOf(after)?.uid) as DaemonSet | undefined;
  if (!owner) return undefined;
  const surges = witness.lately(owner).some(({ spec }) => (spec?.updateStrategy?.rollingUpdate?.maxSurge?.intVal ?? 0) > 0);
  const node = nodeMeantFor(after as Pod);
  const there = world.owned(pods, owner).filter((pod) => isActive(pod) && nodeMeantFor(pod) === node).length;
  return there > (surges ? 2 : 1) + witness.excuse(owner, 1) ? `DaemonSet ${nameOf(owner)} has ${there} active pods for node ${node}` : undefined;
};

const nodeMeantFor = ({ spec }: Pod): string =>
  spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms?.[0]?.matchFields?.[0]?.values?.[0] ?? spec?.nodeName ?? '';

const rolling = ({ spec }: Deployment) => {
  const replicas = spec?.replicas ?? 1;
  const { maxSurge, maxUnavailable } = spec?.strategy?.rollingUpdate ?? {};
  const surge = intOrPercent(maxSurge ?? intOrString(0), replicas, true);
  const unavailable = intOrPercent(maxUnavailable ?? intOrString(0), replicas, false);
  return { most: replicas + surge, least: replicas - (surge === 0 && unavailable === 0 ? 1 : unavailable) };
};

const setsOf = (deployment: Deployment, { world }: Truth): ReplicaSet[] => world.owned(replicaSets, deployment);

/** Deployment: its sets are never made larger in sum than replicas + maxSurge. */
export const neverAboveMaxSurge: Invariant = ({ resource, before, after }, truth) => {
  if (resource.plural !== replicaSets.plural || !after) return undefined;
  const size = (set: ApiObject | undefined): number => (set as ReplicaSet | undefined)?.spec?.replicas ?? (set ? 1 : 0);
  const deployment = truth.world.uid(controllerOf(after)?.uid) as Deployment | undefined;
  if (size(after) <= size(before) || !deployment || controllerOf(before ?? after)?.uid !== deployment.metadata?.uid) return undefined;
  const sum = setsOf(deployment, truth).reduce((total, set) => total + size(set), 0);
  const most = Math.max(...truth.witness.lately(deployment).map((one) => rolling(one).most));
  return sum > most + truth.witness.excuse(deployment, most) ? `Deployment ${nameOf(deployment)} wants ${sum} pods of its sets, ${most} are allowed` : undefined;
};

/** Deployment: a pod that serves goes for a rollout's sake only while enough others serve, or did until something else took them. */
export const neverBelowMinAvailable: Invariant = ({ resource, before, after }, truth) => {
  if (resource.plural !== pods.plural || !before || !isUp(before as Pod) || (after && !after.metadata?.deletionTimestamp)) return undefined;
  const pod = before as Pod;
  const { world, witness } = truth;
  const set = world.uid(controllerOf(pod)?.uid) as ReplicaSet | undefined;
  const deployment = world.uid(controllerOf(set ?? {})?.uid) as Deployment | undefined;
  if (!set || !deployment || set.metadata?.deletionTimestamp || deployment.metadata?.deletionTimestamp || deployment.spec?.strategy?.type === 'Recreate') return undefined;
  // Somebody else's doing: an eviction, a node that is lost, a namespace that goes.
  if ((after as Pod | undefined)?.status?.conditions?.some(({ type }) => type === 'DisruptionTarget') || pod.status?.conditions?.some(({ type }) => type === 'DisruptionTarget')) return undefined;
  if (witness.lately(deployment).some((one) => one.metadata?.generation !== deployment.metadata?.generation && one.spec?.replicas !== deployment.spec?.replicas)) return undefined;
  const ofDeployment = (one: Pod): boolean => matcherOf(deployment.spec?.selector).matches(one.metadata?.labels ?? {}) && one.metadata?.namespace === deployment.metadata?.namespace;
  const up = world.list(pods).filter((one) => isUp(one) && ofDeployment(one)).length;
  const failed = witness.lost.filter(({ pod: one, chosen }) => ofDeployment(one) && one.metadata?.uid !== pod.metadata?.uid && !chosen).length;
  const least = Math.min(...witness.lately(deployment).map((one) => rolling(one).least));
  return up + failed + witness.excuse(deployment, least) < least ? `Deployment ${nameOf(deployment)} has ${up} pods that serve (${failed} lost), ${least} are promised` : undefined;
};

/** ResourceQuota: what is made fits. */
export const neverAboveQuota: Invariant = ({ resource, before, after, key, nowMs }, { world }) => {
  if (!isNew(resource, pods.plural, before, after)) return undefined;
  for (const quota of world.list(resourceQuotas)) {
    const hard = quota.metadata?.namespace === key.namespace ? quota.spec?.hard?.['pods']?.string : undefined;
    if (hard === undefined) continue;
    const there = world.list(pods).filter((pod) => pod.metadata?.namespace === key.namespace && !isPodTerminal(pod) && !isOverdue(pod, nowMs)).length;
    if (there > Number(hard)) return `ResourceQuota ${nameOf(quota)} allows ${hard} pods, there are ${there}`;
  }
  return undefined;
};

/** Should be gone by now: its node does not let it go, and it uses nothing any more (Kubernetes' QuotaV1Pod). */
const isOverdue = ({ metadata }: Pod, nowMs: number): boolean => metadata?.deletionTimestamp !== undefined && timeToMs(metadata.deletionTimestamp) < nowMs;

/** PodDisruptionBudget: an eviction leaves as many that serve as was promised, but for those that something else took. */
export const neverBelowBudget: Invariant = ({ resource, before, after }, { world, witness }) => {
  if (resource.plural !== pods.plural || !before || !isUp(before as Pod)) return undefined;
  const pod = after as Pod | undefined;
  if (!pod?.status?.conditions?.some(({ reason }) => reason === 'EvictionByEvictionAPI') || !pod.metadata?.deletionTimestamp) return undefined;
  for (const budget of world.list(podDisruptionBudgets)) {
    const matches = (one: Pod): boolean => one.metadata?.namespace === budget.metadata?.namespace && matcherOf(budget.spec?.selector).matches(one.metadata?.labels ?? {});
    const least = budget.spec?.minAvailable?.intVal;
    if (least === undefined || !matches(pod)) continue;
    const up = world.list(pods).filter((one) => isUp(one) && matches(one)).length;
    const failed = witness.lost.filter(({ pod: one, evicted }) => matches(one) && one.metadata?.uid !== pod.metadata?.uid && !evicted).length;
    if (up + failed < least) return `PodDisruptionBudget ${nameOf(budget)} promises ${least} pods that serve, an eviction leaves ${up} (${failed} lost otherwise)`;
  }
  return undefined;
};

/** Pod ranges, cluster addresses and node ports are one holder's. */
export const nothingTwice: Invariant = ({ resource, after }, { world }) => {
  if (!after) return undefined;
  if (resource.plural === nodes.plural) return shared('pod range', world.list(nodes).map(({ spec }) => spec?.podCIDR));
  if (resource.plural !== 'services') return undefined;
  const all = world.list(resource) as { spec?: { clusterIP?: string; ports?: { nodePort?: number; protocol?: string }[] } }[];
  return shared('cluster address', all.map(({ spec }) => (spec?.clusterIP === 'None' ? undefined : spec?.clusterIP)))
    ?? shared('node port', all.flatMap(({ spec }) => spec?.ports?.map(({ nodePort, protocol }) => nodePort && `${nodePort}/${protocol ?? 'TCP'}`)));
};

function shared(what: string, values: readonly (string | number | undefined)[]): string | undefined {
  const present = values.filter((value) => value !== undefined && value !== '' && value !== 0);
  const twice = present.find((value, index) => present.indexOf(value) !== index);
  return twice === undefined ? undefined : `${what} ${twice} has two holders`;
}
