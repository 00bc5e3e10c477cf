import { controllerOf, isPodTerminal, jobs, namespaces, persistentVolumeClaims, pods, statefulSets, type ApiObject } from '@navarch/api';
import type { Job } from '@navarch/proto/k8s/io/api/batch/v1/batch';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { World } from '../world';
import { nameOf, type Invariant } from './invariant';

const isGoing = (object: ApiObject | undefined): boolean => object === undefined || object.metadata?.deletionTimestamp !== undefined;

/** Owners by which an object lives: not absent, not being deleted. */
export const livingOwners = (object: ApiObject, world: World): ApiObject[] =>
  (object.metadata?.ownerReferences ?? []).flatMap(({ uid }) => world.uid(uid) ?? []).filter((owner) => !isGoing(owner));

/** Claims go with their owners, never before: neither those of a set that lives, nor those that nobody has (Retain). */
export const claimsOutliveTheirUse: Invariant = ({ resource, key, before, after }, { world }) => {
  if (resource.plural !== persistentVolumeClaims.plural || !before || isGoing(before) || !isGoing(after)) return undefined;
  const { ownerReferences = [] } = before.metadata ?? {};
  if (isGoing(world.get(namespaces, '', key.namespace))) return undefined;
  const living = livingOwners(before, world);
  if (living.length > 0) return `claim ${nameOf(before)} is deleted while its owner ${living.map(nameOf).join(', ')} lives`;
  return ownerReferences.length === 0 ? `claim ${nameOf(before)} is deleted, which is to be kept` : undefined;
};

/** One Job per CronJob and minute, whether or not the first is there still. */
export function oneJobPerMinute(): Invariant {
  const seen = new Set<string>();
  return ({ resource, before, after }) => {
    const owner = after && controllerOf(after);
    const minute = after?.metadata?.annotations?.['batch.kubernetes.io/cronjob-scheduled-timestamp'];
    if (resource.plural !== jobs.plural || before || !owner || !minute) return undefined;
    const time = `${owner.uid} ${minute}`;
    if (seen.has(time)) return `CronJob ${key(after, owner.name)} ran twice for ${minute}`;
    seen.add(time);
    return undefined;
  };
}

const key = (object: ApiObject, name = ''): string => `${object.metadata?.namespace ?? ''}/${name}`;

/** A Job's counters never go back, and never exceed the pods that really ended so. */
export function jobsCountOnce(): Invariant {
  const ended = new Map<string, { readonly well: Set<string>; readonly badly: Set<string> }>();
  const of = (uid: string) => {
    const found = ended.get(uid) ?? { well: new Set<string>(), badly: new Set<string>() };
    ended.set(uid, found);
    return found;
  };
  return ({ resource, before, after }) => {
    if (resource.plural === pods.plural) {
      const pod = (after ?? before) as Pod;
      const owner = controllerOf(pod);
      if (owner?.kind !== jobs.kind) return undefined;
      const uid = pod.metadata?.uid ?? '';
      const { well, badly } = of(owner.uid ?? '');
      if (pod.status?.phase === 'Succeeded') well.add(uid);
      else if (isPodTerminal(pod) || isGoing(after)) badly.add(uid);
      return undefined;
    }
    if (resource.plural !== jobs.plural || !after) return undefined;
    const { status = {}, metadata } = after as Job;
    const former = (before?.metadata?.uid === metadata?.uid ? (before as Job | undefined)?.status : undefined) ?? {};
    const { well, badly } = of(metadata?.uid ?? '');
    const { succeeded = 0, failed = 0, uncountedTerminatedPods: { succeeded: listed = [], failed: listedFailed = [] } = {} } = status;
    if (succeeded + listed.length > well.size) return `Job ${nameOf(after)} counts ${succeeded} + ${listed.length} successes, ${well.size} pods succeeded`;
    if (failed + listedFailed.length > badly.size) return `Job ${nameOf(after)} counts ${failed} + ${listedFailed.length} failures, ${badly.size} pods failed`;
    // An indexed Job that shrinks loses the successes beyond its end.
    const shrinks = (after as Job).spec?.completionMode === 'Indexed';
    return !shrinks && succeeded < (former.succeeded ?? 0) ? `Job ${nameOf(after)} counted ${former.succeeded} successes, and now ${succeeded}` : undefined;
  };
}

/** One object per ordinal is the name's doing; what must hold too: a pod whose containers may run has not made room for another. */
export interface RunningPod {
  readonly node: string;
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
}

/** Containers that really run, of two pods of one name: only StatefulSets give a name again. */
export function twoOfOneOrdinal(running: readonly RunningPod[], sets: readonly ApiObject[]): string | undefined {
  const first = new Map<string, RunningPod>();
  for (const pod of running) {
    const name = `${pod.namespace}/${pod.name}`;
    const other = first.get(name);
    if (other && other.uid !== pod.uid && sets.some((set) => name.startsWith(`${nameOf(set)}-`))) return `${statefulSets.kind} pod ${name} runs twice: ${other.uid} on ${other.node}, ${pod.uid} on ${pod.node}`;
    first.set(name, pod);
  }
  return undefined;
}
