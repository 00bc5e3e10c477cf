import { intOrString } from '@navarch/api';
import type { Deployment, DeploymentSpec, ReplicaSet } from '@navarch/proto/k8s/io/api/apps/v1/apps';

import { annotations } from './facts';

/** Deployments and ReplicaSets as plans read them, for tables. */
export const deploymentOf = (replicas: number, maxSurge: number | string = 0, maxUnavailable: number | string = 0, over: Partial<DeploymentSpec> = {}): Deployment => ({
  metadata: { namespace: 'default', name: 'web', uid: 'd', generation: 1 },
  spec: { replicas, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: intOrString(maxSurge), maxUnavailable: intOrString(maxUnavailable) } }, ...over },
});

export interface SetFacts {
  readonly available?: number;
  /** Pods there are; its size unless told. */
  readonly replicas?: number;
  readonly created?: number;
  readonly revision?: number;
  readonly desired?: number;
  readonly max?: number;
  readonly image?: string;
  readonly notes?: Readonly<Record<string, string>>;
}

export const setOf = (name: string, size: number, { available = 0, replicas = size, created = 1, revision, desired, max, image = name, notes = {} }: SetFacts = {}): ReplicaSet => ({
  metadata: {
    namespace: 'default', name, uid: name, generation: 1, creationTimestamp: { seconds: created },
    annotations: {
      ...(revision !== undefined && { [annotations.revision]: String(revision) }), ...(desired !== undefined && { [annotations.desired]: String(desired) }), ...(max !== undefined && { [annotations.max]: String(max) }), ...notes,
    },
  },
  spec: { replicas: size, template: { spec: { containers: [{ name: 'main', image }] } } },
  status: { replicas, readyReplicas: available, availableReplicas: available, observedGeneration: 1 },
});
