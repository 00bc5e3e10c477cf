import type { Pod, Toleration } from '@navarch/proto/k8s/io/api/core/v1/core';

import { creates, type AdmissionPlugin } from './admission';

const taints = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'] as const;
const defaultSeconds = 300;

/** Pods outlive a node's failure by five minutes unless they say otherwise (Kubernetes' DefaultTolerationSeconds). */
export const defaultTolerationSeconds: AdmissionPlugin = {
  name: 'DefaultTolerationSeconds',
  handles: (attributes) => creates(attributes, '', 'pods'),
  admit({ object }) {
    const pod = object as Pod;
    const own = pod.spec?.tolerations ?? [];
    const added = taints.filter((taint) => !own.some((toleration) => concerns(toleration, taint)))
      .map((key): Toleration => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: defaultSeconds }));
    if (added.length > 0) pod.spec = { ...pod.spec, tolerations: [...own, ...added] };
  },
};

function concerns({ key, effect }: Toleration, taint: string): boolean {
  return (key === taint || !key) && (effect === 'NoExecute' || !effect);
}
