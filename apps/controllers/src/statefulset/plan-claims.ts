import { controllerOf, ownerReference, pods, statefulSets } from '@navarch/api';
import type { StatefulSet } from '@navarch/proto/k8s/io/api/apps/v1/apps';
import type { PersistentVolumeClaim, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { OwnerReference } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';

import { claimsOf, podNameOf } from './identity';

export interface ClaimsView {
  readonly set: StatefulSet;
  readonly ordinal: number;
  /** The ordinal's pod, where there is one. */
  readonly pod: Pod | undefined;
  /** The ordinal is not wanted any more. */
  readonly condemned: boolean;
  readonly claim: (name: string) => PersistentVolumeClaim | undefined;
}

export interface ClaimsPlan {
  readonly create: readonly PersistentVolumeClaim[];
  readonly own: readonly { readonly claim: PersistentVolumeClaim; readonly owners: OwnerReference[] }[];
  /** Claims that are going: the ordinal's pod must not be made before they are gone. */
  readonly going: readonly string[];
}

/**
 * The claims of one ordinal. Nobody deletes claims here: persistentVolumeClaimRetentionPolicy makes them dependents of the set (whenDeleted) or of
 * the pod that is about to go (whenScaled), and the garbage collector does the rest (KEP-1847). A claim that another
 * controller has is left alone.
 */
export function planClaims(view: ClaimsView): ClaimsPlan {
  const create: PersistentVolumeClaim[] = [];
  const own: { claim: PersistentVolumeClaim; owners: OwnerReference[] }[] = [];
  const going: string[] = [];
  for (const wanted of claimsOf(view.set, view.ordinal)) {
    const name = wanted.metadata?.name ?? '';
    const claim = view.claim(name);
    if (!claim) {
      const owners = ownersFor(view, wanted);
      create.push({ ...wanted, metadata: { ...wanted.metadata, ...(owners.length > 0 && { ownerReferences: owners }) } });
    } else if (claim.metadata?.deletionTimestamp || belongedToFormerPod(view, claim)) {
      going.push(name);
    } else {
      const owners = ownersFor(view, claim);
      if (!sameOwners(owners, claim.metadata?.ownerReferences ?? [])) own.push({ claim, owners });
    }
  }
  return { create, own, going };
}

const isSetReference = (set: StatefulSet, { kind, uid }: OwnerReference): boolean => kind === statefulSets.kind && uid === set.metadata?.uid;
const isPodReference = (view: ClaimsView, { kind, name }: OwnerReference): boolean => kind === pods.kind && name === podNameOf(view.set, view.ordinal);

/** It goes with a pod of this name that went before: a scale-down that the garbage collector has not finished. */
function belongedToFormerPod(view: ClaimsView, { metadata }: PersistentVolumeClaim): boolean {
  return metadata?.ownerReferences?.some((reference) => isPodReference(view, reference) && reference.uid !== view.pod?.metadata?.uid) ?? false;
}

/** Whom the claim is to belong to; what others wrote stays. */
function ownersFor(view: ClaimsView, claim: PersistentVolumeClaim): OwnerReference[] {
  const { set, pod } = view;
  const present = claim.metadata?.ownerReferences ?? [];
  const others = present.filter((reference) => !isSetReference(set, reference) && !isPodReference(view, reference));
  if (controllerOf({ metadata: { ownerReferences: others } })) return present;
  const { whenDeleted, whenScaled } = set.spec?.persistentVolumeClaimRetentionPolicy ?? {};
  if (view.condemned && whenScaled === 'Delete') return pod ? [...others, ownerReference(pods, pod)] : others;
  return whenDeleted === 'Delete' ? [...others, ownerReference(statefulSets, set)] : others;
}

const sameOwners = (left: readonly OwnerReference[], right: readonly OwnerReference[]): boolean =>
  left.length === right.length && left.every(({ uid }) => right.some((one) => one.uid === uid));
