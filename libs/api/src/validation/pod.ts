import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { FieldError } from '../resource';
import { forbidden, invalid } from './field-error';
import { subdomainName, validateMeta } from './object-meta';
import { validatePodSpec } from './pod-spec';

export const podMeta = { namespaced: true, name: subdomainName };

const mirrorAnnotation = 'kubernetes.io/config.mirror';
const deletionCost = 'controller.kubernetes.io/pod-deletion-cost';

/** A new pod, its defaults set. */
export function validatePod(pod: Pod): FieldError[] {
  const spec = pod.spec ?? {};
  const ephemeral = spec.ephemeralContainers?.length ? [forbidden('spec.ephemeralContainers', 'cannot be set on create')] : [];
  return [...validateMeta(pod, podMeta), ...validatePodSpec(spec, 'spec'), ...ephemeral, ...validatePodAnnotations(pod)];
}

export function validatePodAnnotations({ metadata, spec }: Pod): FieldError[] {
  const annotations = metadata?.annotations ?? {};
  const errors: FieldError[] = [];
  const mirror = annotations[mirrorAnnotation];
  if (mirror !== undefined && !spec?.nodeName) errors.push(invalid(`metadata.annotations[${mirrorAnnotation}]`, mirror, 'must set spec.nodeName if mirror pod annotation is set'));
  const cost = annotations[deletionCost];
  if (cost !== undefined && !isInt32(cost)) errors.push(invalid(`metadata.annotations[${deletionCost}]`, cost, 'must be a 32bit integer'));
  return errors;
}

function isInt32(text: string): boolean {
  return /^-?(0|[1-9]\d{0,9})$/.test(text) && Math.abs(Number(text)) < 2 ** 31;
}

/** A pod that a kubelet shows of one it runs by itself. */
export function isMirrorPod({ metadata }: Pod): boolean {
  return metadata?.annotations?.[mirrorAnnotation] !== undefined;
}

/** Mirror pods are the kubelet's: nobody makes one out of another, or the other way round. */
export function validateMirrorChange(next: Pod, previous: Pod): FieldError[] {
  const now = next.metadata?.annotations?.[mirrorAnnotation];
  const was = previous.metadata?.annotations?.[mirrorAnnotation];
  if (now === was) return [];
  return [forbidden(`metadata.annotations[${mirrorAnnotation}]`, was === undefined ? 'may not add mirror pod annotation' : 'may not remove or update mirror pod annotation')];
}
