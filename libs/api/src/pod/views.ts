import type { Container, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { messageSchema } from '../codec/schema';
import { deepEqual } from '../deep-equal';
import { fromFieldsV1, type FieldSet } from '../patch/field-set';
import type { StatusStrategy } from '../resource';
import { validateEphemeralContainersUpdate } from '../validation/pod-ephemeral';
import { validatePodResize } from '../validation/pod-resize';
import { setPodDefaults } from './defaults';

/** pods/ephemeralcontainers: of what is sent, only the ephemeral containers count. */
export const ephemeralContainersStrategy: StatusStrategy<Pod> = {
  prepareForUpdate(next, previous) {
    setPodDefaults(next);
    return withSpec(previous, { ...previous.spec, ephemeralContainers: next.spec?.ephemeralContainers });
  },
  validateUpdate: validateEphemeralContainersUpdate,
};

/** pods/resize: of what is sent, only what the containers may use and how they take a change of it. */
export const podResizeStrategy: StatusStrategy<Pod> = {
  prepareForUpdate(next, previous) {
    setPodDefaults(next);
    const { containers, initContainers } = next.spec ?? {};
    return withSpec(previous, {
      ...previous.spec,
      ...(previous.spec?.containers && { containers: resized(containers, previous.spec.containers) }),
      ...(previous.spec?.initContainers && { initContainers: resized(initContainers, previous.spec.initContainers) }),
    });
  },
  validateUpdate: validatePodResize,
};

/** Containers that come, go or change places are kept as they were sent, for validation to refuse. */
function resized(sent: readonly Container[] = [], present: readonly Container[]): Container[] {
  const same = sent.length === present.length && sent.every(({ name }, index) => name === present[index]?.name);
  if (!same) return [...sent];
  return present.map((container, index) => ({ ...container, resources: sent[index]?.resources, resizePolicy: sent[index]?.resizePolicy }));
}

function withSpec(previous: Pod, spec: Pod['spec']): Pod {
  const generation = previous.metadata?.generation ?? 1;
  return { ...previous, spec, metadata: { ...previous.metadata, generation: deepEqual(spec, previous.spec) ? generation : generation + 1 } };
}

/** Of a pod, the paths that a door does not write which takes only these members of the spec: nobody owns them by coming through it. */
export function podFieldsBut(...members: readonly string[]): FieldSet {
  const others = messageSchema('k8s.io.api.core.v1.PodSpec').fields.map(({ jsonName }) => jsonName).filter((name) => !members.includes(name));
  return fromFieldsV1({ 'f:metadata': {}, 'f:status': {}, 'f:spec': Object.fromEntries(others.map((name) => [`f:${name}`, {}])) });
}
