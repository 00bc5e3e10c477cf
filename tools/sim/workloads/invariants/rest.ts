import { configMaps, controllerOf, daemonSets, deployments, endpointSlices, isPodReady, isPodTerminal, jobs, namespaces, nodes, pods, replicaSets, replicationControllers, resourceQuotas, services, statefulSets, type ApiObject } from '@navarch/api';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { World } from '../world';
import { nameOf } from './invariant';

type Check = (world: World) => string[];

const serving = (world: World, owner: ApiObject): Pod[] => world.owned(pods, owner).filter((pod) => isPodReady(pod) && !pod.metadata?.deletionTimestamp);
const differs = (what: string, wanted: unknown, found: unknown): string[] => (wanted === found ? [] : [`${what}: ${String(found)}, not ${String(wanted)}`]);

const replicasAreThere: Check = (world) => [...world.list(replicaSets), ...world.list(replicationControllers)].flatMap((owner) => [
  ...differs(`${nameOf(owner)} serves with`, Math.min(owner.spec?.replicas ?? 1, room(world, owner)), serving(world, owner).length),
  ...differs(`${nameOf(owner)} status.readyReplicas`, serving(world, owner).length, owner.status?.readyReplicas ?? 0),
]);

/** What a quota leaves it: others may have been quicker. */
function room(world: World, owner: ApiObject): number {
  const namespace = owner.metadata?.namespace;
  const limits = world.list(resourceQuotas).filter((one) => one.metadata?.namespace === namespace).map(({ spec }) => Number(spec?.hard?.['pods']?.string ?? Infinity));
  const others = world.list(pods).filter((pod) => pod.metadata?.namespace === namespace && controllerOf(pod)?.uid !== owner.metadata?.uid).length;
  return Math.min(...limits, Infinity) - (limits.length > 0 ? others : 0);
}

const deploymentsAreRolledOut: Check = (world) => world.list(deployments).flatMap((one) => [
  ...differs(`Deployment ${nameOf(one)} status.updatedReplicas`, one.spec?.replicas ?? 1, one.status?.updatedReplicas ?? 0),
  ...differs(`Deployment ${nameOf(one)} status.availableReplicas`, one.spec?.replicas ?? 1, one.status?.availableReplicas ?? 0),
  ...differs(`Deployment ${nameOf(one)} status.observedGeneration`, String(one.metadata?.generation), String(one.status?.observedGeneration)),
]);

const setsAreComplete: Check = (world) => world.list(statefulSets).flatMap((set) => {
  const names = serving(world, set).map(({ metadata }) => metadata?.name).sort();
  const wanted = Array.from({ length: set.spec?.replicas ?? 1 }, (_, ordinal) => `${set.metadata?.name}-${ordinal}`);
  return [...differs(`StatefulSet ${nameOf(set)}`, wanted.join(), names.join()), ...differs(`StatefulSet ${nameOf(set)} revision`, set.status?.updateRevision, set.status?.currentRevision)];
});

const daemonsAreEverywhere: Check = (world) => world.list(daemonSets).flatMap((set) =>
  differs(`DaemonSet ${nameOf(set)} on`, world.list(nodes).map(({ metadata }) => metadata?.name).sort().join(), serving(world, set).map(({ spec }) => spec?.nodeName).sort().join()));

const jobsAreOver: Check = (world) => world.list(jobs).flatMap((job) => {
  const complete = job.status?.conditions?.some(({ type, status }) => type === 'Complete' && status === 'True') ?? false;
  return [
    ...(complete ? [] : [`Job ${nameOf(job)} is not complete: ${JSON.stringify(job.status)}`]),
    ...((job.status?.succeeded ?? 0) >= (job.spec?.completions ?? 1) ? [] : [`Job ${nameOf(job)} counts ${job.status?.succeeded ?? 0} successes of ${job.spec?.completions}`]),
    ...((job.status?.uncountedTerminatedPods?.succeeded?.length ?? 0) === 0 ? [] : [`Job ${nameOf(job)} has uncounted pods`]),
  ];
});

const nobodyIsOrphaned: Check = (world) => world.all().flatMap((object) => (object.metadata?.ownerReferences ?? [])
  .filter(({ uid, kind }) => kind !== 'Node' && world.uid(uid) === undefined)
  .map(({ kind, name }) => `${object.metadata?.namespace}/${object.metadata?.name} belongs to ${kind} ${name}, which is gone`));

const nothingIsGoing: Check = (world) => world.all().filter(({ metadata }) => metadata?.deletionTimestamp)
  .map((object) => `${nameOf(object)} is being deleted still (finalizers ${object.metadata?.finalizers?.join() ?? 'none'}${world.get(namespaces, '', object.metadata?.name ?? '') ? '; namespace' : ''})`);

const slicesAreTrue: Check = (world) => world.list(services).filter(({ spec }) => spec?.selector && spec.selector['app']).flatMap((service) => {
  const { namespace } = service.metadata ?? {};
  const app = service.spec?.selector?.['app'];
  const ready = world.list(pods).filter((pod) => pod.metadata?.namespace === namespace && pod.metadata?.labels?.['app'] === app && isPodReady(pod) && !pod.metadata?.deletionTimestamp).map(({ status }) => status?.podIP ?? '');
  const told = world.list(endpointSlices).filter(({ metadata }) => metadata?.namespace === namespace && metadata?.labels?.['kubernetes.io/service-name'] === service.metadata?.name)
    .flatMap(({ endpoints = [] }) => endpoints.flatMap(({ addresses = [] }) => addresses));
  return differs(`endpoints of ${nameOf(service)}`, [...ready].sort().join(), [...told].sort().join());
});

const quotasAreExact: Check = (world) => world.list(resourceQuotas).flatMap((quota) => {
  const there = world.list(pods).filter((pod) => pod.metadata?.namespace === quota.metadata?.namespace && !isPodTerminal(pod)).length;
  return differs(`ResourceQuota ${nameOf(quota)} status.used.pods`, String(there), quota.status?.used?.['pods']?.string);
});

const checks: readonly Check[] = [
  replicasAreThere, deploymentsAreRolledOut, setsAreComplete, daemonsAreEverywhere, jobsAreOver, nobodyIsOrphaned, nothingIsGoing, slicesAreTrue, quotasAreExact,
];

/** What is not yet as it is wanted, a line each; empty when the cluster is where it should be. */
export const unfinished: Check = (world) => checks.flatMap((check) => check(world));

/** ConfigMaps that were to outlive their owners and did not. */
export const lostOrphans = (world: World, namespace: string, names: readonly string[]): string[] =>
  names.filter((name) => world.get(configMaps, namespace, name) === undefined).map((name) => `configmap ${namespace}/${name} was to outlive its owner`);
