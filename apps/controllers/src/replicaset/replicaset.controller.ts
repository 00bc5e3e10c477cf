import { controllerOf, matcherOf, replicaSets } from '@navarch/api';
import type { ReplicaSet } from '@navarch/proto/k8s/io/api/apps/v1/apps';

import type { StartController } from '../dependencies';
import { ownedBy } from '../workload/owned';
import { startReplicas } from './replicas.controller';

/** Written by the Deployment that has the set: how many pods it wants in all. */
export const desiredReplicasAnnotation = 'deployment.kubernetes.io/desired-replicas';

export const startReplicaSet: StartController = (dependencies, signal) => {
  const { informers } = dependencies;
  const replicas = ({ spec }: ReplicaSet): number => spec?.replicas ?? 1;
  const siblings = (set: ReplicaSet): readonly ReplicaSet[] => {
    const controller = controllerOf(set);
    return controller ? informers.replicaSets.by('controllerUid', controller.uid ?? '') : [set];
  };
  return startReplicas(dependencies, {
    name: 'replicaset', resource: replicaSets, informer: informers.replicaSets,
    selector: ({ spec }) => matcherOf(spec?.selector),
    wanted: (set) => ({ replicas: replicas(set), minReadySeconds: set.spec?.minReadySeconds ?? 0, template: set.spec?.template }),
    podsOfRequest: (set) => Math.max(replicas(set), Number(set.metadata?.annotations?.[desiredReplicasAnnotation]) || 0),
    related: (set) => siblings(set).flatMap((each) => ownedBy(informers.pods, each)),
  }, signal);
};
