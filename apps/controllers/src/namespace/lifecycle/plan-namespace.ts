import { timeFromMs } from '@navarch/api';
import type { NamespaceCondition } from '@navarch/proto/k8s/io/api/core/v1/core';

/** What one kind still has in the namespace after its deletes. */
export interface Remaining {
  /** Plural with group, such as leases.coordination.k8s.io. */
  readonly resource: string;
  readonly count: number;
  readonly finalizers: Readonly<Record<string, number>>;
  /** Deletes or lists that failed. */
  readonly failures: readonly string[];
}

/** What is kept of one look at a terminating namespace until the next. */
export interface Look {
  readonly delayMs: number;
  /** Kinds that had something left; the others are empty, and nothing can be made in a terminating namespace. */
  readonly left: ReadonlySet<string>;
  readonly count: number;
}

/** Long enough for pods that end at once. */
const firstDelayMs = 500;
/** Short enough for someone who has just removed a finalizer and waits. */
const maxDelayMs = 5_000;

/** Soon again while things go; ever later where nothing has moved since the last look. */
export function nextLook(remaining: readonly Remaining[], last: Look | undefined): Look {
  const count = remaining.reduce((sum, { count: left, failures }) => sum + left + failures.length, 0);
  const delayMs = last && count >= last.count ? Math.min(last.delayMs * 2, maxDelayMs) : firstDelayMs;
  return { delayMs, count, left: new Set(remaining.map(({ resource }) => resource)) };
}

/** Kubernetes' conditions of a terminating namespace, in its words; `undiscovered`: why the kinds there are cannot be told. */
export function terminationConditions(remaining: readonly Remaining[], previous: readonly NamespaceCondition[], nowMs: number, undiscovered?: string): NamespaceCondition[] {
  const failures = remaining.flatMap(({ failures: failed }) => failed);
  const content = remaining.filter(({ count }) => count > 0);
  const finalizers = new Map<string, number>();
  for (const { finalizers: counts } of remaining) for (const [name, count] of Object.entries(counts)) finalizers.set(name, (finalizers.get(name) ?? 0) + count);
  const sorted = (texts: readonly string[]): string => [...texts].sort().join(', ');
  const wanted: NamespaceCondition[] = [
    undiscovered !== undefined
      ? { type: 'NamespaceDeletionDiscoveryFailure', status: 'True', reason: 'DiscoveryFailed', message: `Discovery failed for some groups: ${undiscovered}` }
      : { type: 'NamespaceDeletionDiscoveryFailure', status: 'False', reason: 'ResourcesDiscovered', message: 'All resources successfully discovered' },
    { type: 'NamespaceDeletionGroupVersionParsingFailure', status: 'False', reason: 'ParsedGroupVersions', message: 'All legacy kube types successfully parsed' },
    failures.length > 0
      ? { type: 'NamespaceDeletionContentFailure', status: 'True', reason: 'ContentDeletionFailed', message: `Failed to delete all resource types, ${failures.length} remaining: ${sorted(failures)}` }
      : { type: 'NamespaceDeletionContentFailure', status: 'False', reason: 'ContentDeleted', message: 'All content successfully deleted, may be waiting on finalization' },
    content.length > 0
      ? { type: 'NamespaceContentRemaining', status: 'True', reason: 'SomeResourcesRemain', message: `Some resources are remaining: ${sorted(content.map(({ resource, count }) => `${resource} has ${count} resource instances`))}` }
      : { type: 'NamespaceContentRemaining', status: 'False', reason: 'ContentRemoved', message: 'All content successfully removed' },
    finalizers.size > 0
      ? { type: 'NamespaceFinalizersRemaining', status: 'True', reason: 'SomeFinalizersRemain', message: `Some content in the namespace has finalizers remaining: ${sorted(Array.from(finalizers, ([name, count]) => `${name} in ${count} resource instances`))}` }
      : { type: 'NamespaceFinalizersRemaining', status: 'False', reason: 'ContentHasNoFinalizers', message: 'All content-preserving finalizers finished' },
  ];
  const kept = previous.filter(({ type }) => !wanted.some((condition) => condition.type === type));
  return [...kept, ...wanted.map((condition) => ({ ...condition, lastTransitionTime: transitionTime(condition, previous, nowMs) }))];
}

export function sameConditions(left: readonly NamespaceCondition[], right: readonly NamespaceCondition[]): boolean {
  const text = (conditions: readonly NamespaceCondition[]): string => conditions.map(({ type, status, message }) => `${type}=${status}: ${message}`).sort().join('\n');
  return text(left) === text(right);
}

function transitionTime({ type, status }: NamespaceCondition, previous: readonly NamespaceCondition[], nowMs: number): NamespaceCondition['lastTransitionTime'] {
  const known = previous.find((condition) => condition.type === type);
  return known?.status === status && known?.lastTransitionTime ? known.lastTransitionTime : timeFromMs(nowMs);
}
