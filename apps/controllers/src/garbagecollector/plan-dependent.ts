import type { OwnerReference } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';

import { foregroundFinalizer, orphanFinalizer, type Item } from './owner-graph';

/**
 * What is known of an owner. `waiting`: it is being deleted in the foreground; `unknown`: of a kind that is not served, so nobody
 * can say; `misplaced`: a namespaced owner of an object without namespace, which cannot be looked for.
 */
export type OwnerState = 'present' | 'absent' | 'waiting' | 'unknown' | 'misplaced';

export type DependentPlan =
  | { readonly type: 'keep' }
  /** Some owners are left: it keeps only the references to those. */
  | { readonly type: 'release'; readonly owners: readonly OwnerReference[] }
  /** `unblock`: it must first stop blocking its owners, because one of its own dependents waits for it in turn. */
  | { readonly type: 'delete'; readonly policy: 'Background' | 'Foreground' | 'Orphan'; readonly unblock: boolean };

/** What becomes of an object whose owners are in these states (in the order of its references). */
export function planDependent(item: Item, states: readonly OwnerState[], inCycle: boolean): DependentPlan {
  if (item.deleting || item.owners.length === 0) return { type: 'keep' };
  const gone = states.filter((state) => state === 'absent' || state === 'waiting');
  if (gone.length === 0) return { type: 'keep' };
  if (gone.length < states.length) return { type: 'release', owners: item.owners.filter((_, index) => states[index] !== 'absent' && states[index] !== 'waiting') };
  if (states.includes('waiting')) return { type: 'delete', policy: 'Foreground', unblock: inCycle };
  const policy = item.finalizers.includes(orphanFinalizer) ? 'Orphan' : item.finalizers.includes(foregroundFinalizer) ? 'Foreground' : 'Background';
  return { type: 'delete', policy, unblock: false };
}
