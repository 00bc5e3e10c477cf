import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { FieldError } from '../resource';
import { subdomainName, validateMeta } from './object-meta';
import { validatePodSpec } from './pod-spec';

export const podMeta = { namespaced: true, name: subdomainName };

/** A whole pod, new or changed. */
export function validatePod(pod: Pod): FieldError[] {
  return [...validateMeta(pod, podMeta), ...validatePodSpec(pod.spec ?? {}, 'spec', pod.metadata?.annotations)];
}
