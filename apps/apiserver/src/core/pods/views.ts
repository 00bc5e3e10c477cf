import { ephemeralContainersStrategy, podFieldsBut, podResizeStrategy, type StatusStrategy } from '@navarch/api';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { UpdateStrategy } from '../write/update';

const strategyOf = (strategy: StatusStrategy<Pod>, ...members: readonly string[]): UpdateStrategy => ({
  prepare: (incoming, previous) => strategy.prepareForUpdate(incoming as Pod, previous as Pod),
  notWritten: podFieldsBut(...members),
  validate: (next, previous) => strategy.validateUpdate(next as Pod, previous as Pod),
});

/** Doors through which a pod's spec changes after its creation: debugging (kubectl debug) and resizing in place (kubectl --subresource=resize). */
export const podViews: Readonly<Record<string, UpdateStrategy>> = {
  ephemeralcontainers: strategyOf(ephemeralContainersStrategy, 'ephemeralContainers'),
  resize: strategyOf(podResizeStrategy, 'containers', 'initContainers'),
};
