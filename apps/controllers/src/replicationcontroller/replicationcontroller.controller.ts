import { matcherOf, replicationControllers } from '@navarch/api';

import type { StartController } from '../dependencies';
import { startReplicas } from '../replicaset/replicas.controller';
import { ownedBy } from '../workload/owned';

export const startReplicationController: StartController = (dependencies, signal) => {
  const { informers } = dependencies;
  return startReplicas(dependencies, {
    name: 'replicationcontroller', resource: replicationControllers, informer: informers.replicationControllers,
    selector: ({ spec }) => matcherOf({ matchLabels: spec?.selector ?? {} }),
    wanted: ({ spec }) => ({ replicas: spec?.replicas ?? 1, minReadySeconds: spec?.minReadySeconds ?? 0, template: spec?.template }),
    podsOfRequest: ({ spec }) => spec?.replicas ?? 1,
    related: (controller) => ownedBy(informers.pods, controller),
  }, signal);
};
