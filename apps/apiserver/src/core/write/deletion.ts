import { timeFromMs, timeToMs, type ApiObject, type Resource } from '@navarch/api';
import { ApiError } from '@navarch/base';

import { conflict } from '../errors';
import type { RequestOptions } from '../request';
import type { Decision } from './mutate';

const orphanFinalizer = 'orphan';
const foregroundFinalizer = 'foregroundDeletion';

/**
 * What a delete request makes of an object, after Kubernetes' rest.BeforeDelete and its generic store: removed at once, or
 * marked and left to whoever holds a finalizer or (pods) to the kubelet. A second request can only shorten the grace.
 */
export function planDeletion<T extends ApiObject>(resource: Resource<T>, current: T, options: RequestOptions, nowMs: number): Decision<T> {
  const marked = markForDeletion(resource, current, options, nowMs);
  const finalizers = finalizersFor(marked ?? current, options);
  const next = withFinalizers(marked ?? current, finalizers);
  const metadata = next.metadata ?? {};
  if (finalizers.length > 0) {
    return { type: 'update', next: metadata.deletionTimestamp ? next : mark(next, 0, nowMs) };
  }
  if (metadata.deletionTimestamp && (metadata.deletionGracePeriodSeconds ?? 0) > 0) return { type: 'update', next };
  return { type: 'remove', last: next };
}

/** Whether an update took away the last thing that held a deleted object back. */
export function isReleased({ metadata = {} }: ApiObject): boolean {
  return metadata.deletionTimestamp !== undefined && (metadata.deletionGracePeriodSeconds ?? 0) === 0 && (metadata.finalizers ?? []).length === 0;
}

export function checkPreconditions(resource: Resource, { metadata = {} }: ApiObject, { preconditions = {} }: RequestOptions): void {
  const { uid, resourceVersion } = preconditions;
  const name = metadata.name ?? '';
  if (uid !== undefined && uid !== metadata.uid) {
    throw conflict(resource, name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadata.uid ?? ''}`);
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    throw conflict(resource, name, `Precondition failed: ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: ${metadata.resourceVersion ?? ''}`);
  }
}

export function checkDeleteOptions({ gracePeriodSeconds, orphanDependents, propagationPolicy }: RequestOptions): void {
  if (gracePeriodSeconds !== undefined && gracePeriodSeconds < 0) {
    throw new ApiError('Invalid', `DeleteOptions is invalid: gracePeriodSeconds: Invalid value: ${gracePeriodSeconds}: must be greater than or equal to 0`);
  }
  if (orphanDependents !== undefined && propagationPolicy !== undefined) {
    throw new ApiError('Invalid', 'DeleteOptions is invalid: propagationPolicy: Invalid value: orphanDependents and deletionPropagation cannot be both set');
  }
  if (propagationPolicy !== undefined && !['Orphan', 'Background', 'Foreground'].includes(propagationPolicy)) {
    throw new ApiError('Invalid', `DeleteOptions is invalid: propagationPolicy: Unsupported value: "${String(propagationPolicy)}": supported values: "Background", "Foreground", "Orphan"`);
  }
}

/** Sets or shortens the deletion's time; undefined where the kind knows no grace and nothing is to be marked. */
function markForDeletion<T extends ApiObject>(resource: Resource<T>, current: T, { gracePeriodSeconds: asked }: RequestOptions, nowMs: number): T | undefined {
  if (!resource.gracePeriodSeconds) return undefined;
  const { deletionTimestamp, deletionGracePeriodSeconds: running = 0 } = current.metadata ?? {};
  if (deletionTimestamp) {
    if (asked === undefined || asked >= running) return undefined;
    return mark(current, asked, timeToMs(deletionTimestamp) - running * 1_000);
  }
  const usual = resource.gracePeriodSeconds(current);
  // 0 says that nothing runs that would need time, whatever was asked.
  return mark(current, usual === 0 ? 0 : (asked ?? usual), nowMs);
}

function mark<T extends ApiObject>(object: T, graceSeconds: number, fromMs: number): T {
  const metadata = object.metadata ?? {};
  const generation = metadata.deletionTimestamp || !metadata.generation ? metadata.generation : metadata.generation + 1;
  const deletionTimestamp = timeFromMs(fromMs + graceSeconds * 1_000);
  return { ...object, metadata: { ...metadata, generation, deletionTimestamp, deletionGracePeriodSeconds: graceSeconds } };
}

function withFinalizers<T extends ApiObject>(object: T, finalizers: readonly string[]): T {
  return { ...object, metadata: { ...object.metadata, finalizers: finalizers.length > 0 ? [...finalizers] : undefined } };
}

/** Garbage collection acts on these two finalizers; the policy asked for puts one in and takes the other out. */
function finalizersFor({ metadata = {} }: ApiObject, { propagationPolicy, orphanDependents }: RequestOptions): readonly string[] {
  const present = metadata.finalizers ?? [];
  const policy = propagationPolicy ?? (orphanDependents === undefined ? undefined : orphanDependents ? 'Orphan' : 'Background');
  if (policy === undefined) return present;
  const others = present.filter((finalizer) => finalizer !== orphanFinalizer && finalizer !== foregroundFinalizer);
  if (policy === 'Orphan') return [...others, orphanFinalizer];
  return policy === 'Foreground' ? [...others, foregroundFinalizer] : others;
}
