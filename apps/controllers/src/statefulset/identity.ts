/**
 * StatefulSets: pods with names, claims and an order that outlast them.
 *
 *   identity.ts                what belongs to an ordinal: its pod's name and labels, its claims
 *   plan-stateful-set.ts       which pods to make, delete or mend next: pure
 *   plan-claims.ts             which claims an ordinal needs, and who owns them: pure
 *   stateful-set-status.ts     what the set says of itself: pure
 *   stateful-set.controller.ts makes it so
 */
import { statefulSets } from '@navarch/api';
import type { StatefulSet } from '@navarch/proto/k8s/io/api/apps/v1/apps';
import type { PersistentVolumeClaim, Pod, PodTemplateSpec, Volume } from '@navarch/proto/k8s/io/api/core/v1/core';

import { podFromTemplate } from '../workload/pod-from-template';

export const revisionLabel = 'controller-revision-hash';
const podNameLabel = 'statefulset.kubernetes.io/pod-name';
const podIndexLabel = 'apps.kubernetes.io/pod-index';

export const podNameOf = (set: StatefulSet, ordinal: number): string => `${set.metadata?.name ?? ''}-${ordinal}`;
export const claimNameOf = (set: StatefulSet, claim: PersistentVolumeClaim, ordinal: number): string => `${claim.metadata?.name ?? ''}-${podNameOf(set, ordinal)}`;
export const revisionOf = ({ metadata }: Pod): string | undefined => metadata?.labels?.[revisionLabel];

/** The pod's place in the set; undefined for a name that the set would not give. */
export function ordinalOf(set: StatefulSet, { metadata }: Pod): number | undefined {
  const ordinal = Number(/-(\d+)$/.exec(metadata?.name ?? '')?.[1] ?? NaN);
  return metadata?.name === podNameOf(set, ordinal) ? ordinal : undefined;
}

/** Ordinals from `first` on, `count` of them. */
export function ordinalsOf({ spec }: StatefulSet): { readonly first: number; readonly count: number } {
  return { first: spec?.ordinals?.start ?? 0, count: spec?.replicas ?? 1 };
}

const identityLabels = (set: StatefulSet, ordinal: number): Record<string, string> => ({ [podNameLabel]: podNameOf(set, ordinal), [podIndexLabel]: String(ordinal) });

/** Labels that the pod ought to have and has not. */
export function missingIdentity(set: StatefulSet, ordinal: number, { metadata }: Pod): Record<string, string> {
  return Object.fromEntries(Object.entries(identityLabels(set, ordinal)).filter(([label, value]) => metadata?.labels?.[label] !== value));
}

/** The pod of an ordinal, of this template; its claims stand in for volumes of their names. */
export function podOf(set: StatefulSet, template: PodTemplateSpec, revision: string, ordinal: number): Pod {
  const name = podNameOf(set, ordinal);
  const claims = set.spec?.volumeClaimTemplates ?? [];
  const claimed = new Set(claims.map(({ metadata }) => metadata?.name));
  const volumes = [
    ...claims.map((claim): Volume => ({ name: claim.metadata?.name, volumeSource: { persistentVolumeClaim: { claimName: claimNameOf(set, claim, ordinal) } } })),
    ...(template.spec?.volumes ?? []).filter((volume) => !claimed.has(volume.name)),
  ];
  const subdomain = set.spec?.serviceName;
  return podFromTemplate(template, { resource: statefulSets, object: set }, {
    name,
    labels: { ...identityLabels(set, ordinal), [revisionLabel]: revision },
    spec: { hostname: name, ...(subdomain && { subdomain }), ...(volumes.length > 0 && { volumes }) },
  });
}

/** The claims of an ordinal as they are made: bearing the set's labels, so that they can be found. */
export function claimsOf(set: StatefulSet, ordinal: number): PersistentVolumeClaim[] {
  return (set.spec?.volumeClaimTemplates ?? []).map((claim) => {
    const { labels, annotations } = claim.metadata ?? {};
    return {
      metadata: {
        namespace: set.metadata?.namespace ?? '', name: claimNameOf(set, claim, ordinal),
        labels: { ...labels, ...set.spec?.selector?.matchLabels }, ...(annotations && { annotations }),
      },
      ...(claim.spec && { spec: claim.spec }),
    };
  });
}
