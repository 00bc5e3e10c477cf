import type { EphemeralContainer, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { deepEqual } from '../deep-equal';
import type { FieldError } from '../resource';
import { forbidden } from './field-error';
import { validateMetaUpdate } from './object-meta';
import { isMirrorPod, podMeta, validatePodAnnotations } from './pod';
import { validatePodSpec } from './pod-spec';
import { specDiff } from './spec-diff';

const nameOf = ({ ephemeralContainerCommon }: EphemeralContainer): string => ephemeralContainerCommon?.name ?? '';

/** A change of a pod's ephemeral containers: they may be added, and from then on neither changed nor taken away (KEP-277). */
export function validateEphemeralContainersUpdate(next: Pod, previous: Pod): FieldError[] {
  if (isMirrorPod(previous)) return [forbidden('', 'static pods do not support ephemeral containers')];
  const after = new Map((next.spec?.ephemeralContainers ?? []).map((container) => [nameOf(container), container]));
  const errors = [...validateMetaUpdate(next, previous, podMeta), ...validatePodSpec(next.spec ?? {}, 'spec'), ...validatePodAnnotations(next)];
  for (const container of previous.spec?.ephemeralContainers ?? []) {
    const name = nameOf(container);
    const now = after.get(name);
    if (!now) errors.push(forbidden('spec.ephemeralContainers', `existing ephemeral containers ${JSON.stringify(name)} may not be removed\n`));
    else if (!deepEqual(now, container)) errors.push(forbidden('spec.ephemeralContainers', `existing ephemeral containers ${JSON.stringify(name)} may not be changed\n${specDiff(container, now)}`));
  }
  return errors;
}
