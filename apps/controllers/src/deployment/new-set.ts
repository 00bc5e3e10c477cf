import { ownerReference, deployments } from '@navarch/api';
import type { Deployment, ReplicaSet } from '@navarch/proto/k8s/io/api/apps/v1/apps';

import { changedText, configChangedAnnotation, configRecordAnnotation } from '../workload/config-use';
import type { SetChoice } from './choose-set';
import { annotations, fencesOf, hashLabel, nameOf, revisionOf, wantedReplicas } from './facts';
import { templateHash } from './template-hash';

type Annotations = Record<string, string>;

/** A Deployment's own, or kept by us. */
const notHandedOn: ReadonlySet<string> = new Set([
  ...Object.values(annotations).filter((name) => name !== annotations.changeCause), configRecordAnnotation, configChangedAnnotation,
  'kubectl.kubernetes.io/last-applied-configuration', 'deprecated.deployment.rollback.to',
]);

const longestHistory = 2_000;

/** What the new set notes: the Deployment's annotations, revision and former revisions, and its configuration. */
export function newSetAnnotations(deployment: Deployment, set: ReplicaSet | undefined, revision: number, { record, changed }: SetChoice): Annotations {
  const present: Annotations = { ...set?.metadata?.annotations };
  const handedOn = Object.entries(deployment.metadata?.annotations ?? {}).filter(([name]) => !notHandedOn.has(name));
  const next: Annotations = { ...present, ...Object.fromEntries(handedOn) };
  const before = set ? revisionOf(set) : 0;
  if (before < revision) Object.assign(next, { [annotations.revision]: String(revision), ...(before > 0 && { [annotations.history]: historyWith(present[annotations.history], before) }) });
  if (record !== undefined) next[configRecordAnnotation] = record;
  setCause(next, present, changed, before < revision, deployment.metadata?.annotations?.[annotations.changeCause]);
  return next;
}

/** kubectl's CHANGE-CAUSE is the user's word, but of a revision that a configuration brought it is that. */
function setCause(next: Annotations, present: Annotations, changed: readonly string[], isNewRevision: boolean, usersCause: string | undefined): void {
  const configBrought = isNewRevision ? changed.length > 0 : present[configChangedAnnotation] !== undefined;
  if (configBrought) {
    const objects = isNewRevision ? changedText(changed) : (present[configChangedAnnotation] ?? '');
    Object.assign(next, { [configChangedAnnotation]: objects, [annotations.changeCause]: `configuration changed: ${objects}` });
  } else if (present[configChangedAnnotation] !== undefined) {
    delete next[configChangedAnnotation];
    if (usersCause === undefined) delete next[annotations.changeCause];
  }
}

function historyWith(history: string | undefined, revision: number): string {
  const all = history ? [...history.split(','), String(revision)] : [String(revision)];
  while (all.join(',').length > longestHistory) all.shift();
  return all.join(',');
}

/** How large the Deployment was when the set got its size. */
export function sizeAnnotations(deployment: Deployment): Annotations {
  const wanted = wantedReplicas(deployment);
  return { [annotations.desired]: String(wanted), [annotations.max]: String(wanted + fencesOf(deployment).maxSurge) };
}

/** The ReplicaSet of the present template: named by its hash, which selector and pods carry as a label. */
export function makeSet(deployment: Deployment, replicas: number, revision: number, choice: SetChoice): ReplicaSet {
  const { template, selector, minReadySeconds } = structuredClone(deployment.spec ?? {});
  const hash = templateHash(template, deployment.status?.collisionCount, choice.record ?? '');
  const labels = { ...template?.metadata?.labels, [hashLabel]: hash };
  return {
    metadata: {
      namespace: deployment.metadata?.namespace ?? '', name: `${nameOf(deployment)}-${hash}`, labels,
      annotations: { ...newSetAnnotations(deployment, undefined, revision, choice), ...sizeAnnotations(deployment) },
      ownerReferences: [ownerReference(deployments, deployment)],
    },
    spec: {
      replicas, ...(minReadySeconds !== undefined && { minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector?.matchLabels, [hashLabel]: hash } },
      template: { ...template, metadata: { ...template?.metadata, labels } },
    },
  };
}
