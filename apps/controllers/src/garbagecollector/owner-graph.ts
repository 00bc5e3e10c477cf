import type { ApiObject, Resource } from '@navarch/api';
import type { OwnerReference } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';

export const orphanFinalizer = 'orphan';
export const foregroundFinalizer = 'foregroundDeletion';

/** An object as garbage collection sees it: who it is, whom it names as its owners, whether it is going. */
export interface Item {
  readonly uid: string;
  readonly resource: Resource;
  readonly namespace: string;
  readonly name: string;
  readonly resourceVersion: string;
  readonly owners: readonly OwnerReference[];
  readonly finalizers: readonly string[];
  readonly deleting: boolean;
}

export function itemOf(resource: Resource, { metadata = {} }: ApiObject): Item {
  const { uid = '', namespace = '', name = '', resourceVersion = '', ownerReferences = [], finalizers = [], deletionTimestamp } = metadata;
  return { uid, resource, namespace, name, resourceVersion, owners: ownerReferences, finalizers, deleting: deletionTimestamp !== undefined };
}

/** Deleted in the foreground: it goes when those of its dependents have gone that block it. */
export const waitsForDependents = ({ deleting, finalizers }: Item): boolean => deleting && finalizers.includes(foregroundFinalizer);
export const orphansDependents = ({ deleting, finalizers }: Item): boolean => deleting && finalizers.includes(orphanFinalizer);

export const blocks = (dependent: Item, ownerUid: string): boolean => dependent.owners.some(({ uid, blockOwnerDeletion }) => uid === ownerUid && blockOwnerDeletion === true);

/**
 * Who owns whom, over all kinds. An owner that nobody has seen yet has dependents here all the same: whether it is absent or
 * only unseen, a current read must say (owner-lookup.ts).
 */
export class OwnerGraph {
  private readonly items = new Map<string, Item>();
  private readonly dependents = new Map<string, Map<string, Item>>();

  get size(): number {
    return this.items.size;
  }

  get(uid: string): Item | undefined {
    return this.items.get(uid);
  }

  all(): Iterable<Item> {
    return this.items.values();
  }

  dependentsOf(ownerUid: string): readonly Item[] {
    return [...(this.dependents.get(ownerUid)?.values() ?? [])];
  }

  hasDependents(ownerUid: string): boolean {
    return this.dependents.has(ownerUid);
  }

  put(item: Item): void {
    this.remove(item.uid);
    this.items.set(item.uid, item);
    for (const { uid = '' } of item.owners) {
      const known = this.dependents.get(uid) ?? new Map<string, Item>();
      this.dependents.set(uid, known.set(item.uid, item));
    }
  }

  remove(uid: string): void {
    for (const { uid: owner = '' } of this.items.get(uid)?.owners ?? []) {
      const known = this.dependents.get(owner);
      known?.delete(uid);
      if (known?.size === 0) this.dependents.delete(owner);
    }
    this.items.delete(uid);
  }
}
