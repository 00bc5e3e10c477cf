import type { Container, Pod, ResourceRequirements } from '@navarch/proto/k8s/io/api/core/v1/core';

import { deepEqual } from '../deep-equal';
import { qosClassOf } from '../pod/qos';
import { isSidecar } from '../pod/requests';
import type { FieldError } from '../resource';
import { forbidden, invalid } from './field-error';
import { validateMetaUpdate } from './object-meta';
import { isMirrorPod, podMeta, validatePodAnnotations } from './pod';
import { validatePodSpec } from './pod-spec';

const lists = ['containers', 'initContainers'] as const;
const resizable = ['cpu', 'memory'];

/** A change of what a pod's containers may use while they run (KEP-1287): cpu and memory, of containers that go on running. */
export function validatePodResize(next: Pod, previous: Pod): FieldError[] {
  if (isMirrorPod(previous)) return [forbidden('', 'static pods cannot be resized')];
  const errors = [...validateMetaUpdate(next, previous, podMeta), ...validatePodSpec(next.spec ?? {}, 'spec'), ...validatePodAnnotations(next)];
  const [now, was] = [qosClassOf(next.spec ?? {}), previous.status?.qosClass ?? qosClassOf(previous.spec ?? {})];
  if (now !== was) errors.push(invalid('spec', now, 'Pod QOS Class may not change as a result of resizing'));
  return [...errors, ...lists.flatMap((list) => validateContainers(list, next.spec?.[list] ?? [], previous.spec?.[list] ?? []))];
}

function validateContainers(list: (typeof lists)[number], after: readonly Container[], before: readonly Container[]): FieldError[] {
  if (after.length !== before.length) return [forbidden(`spec.${list}`, `${list} may not be added or removed on resize`)];
  return after.flatMap((container, index) => {
    const old = before[index] ?? {};
    const field = `spec.${list}[${index}]`;
    if (container.name !== old.name) return [forbidden(`${field}.name`, `${list} may not be renamed or reordered on resize`)];
    if (deepEqual(container.resources, old.resources)) return [];
    if (list === 'initContainers' && !isSidecar(old)) return [forbidden(`${field}.resources`, 'resources for non-sidecar init containers are immutable')];
    return validateResources(container.resources ?? {}, old.resources ?? {}, `${field}.resources`);
  });
}

function validateResources(after: ResourceRequirements, before: ResourceRequirements, field: string): FieldError[] {
  const fixed = ({ limits, requests, ...rest }: ResourceRequirements): unknown => ({ ...rest, limits: others(limits), requests: others(requests) });
  const errors = deepEqual(fixed(after), fixed(before)) ? [] : [forbidden(field, 'only cpu and memory resources are mutable')];
  for (const member of ['limits', 'requests'] as const) {
    const lost = resizable.some((name) => before[member]?.[name] !== undefined && after[member]?.[name] === undefined);
    if (lost) errors.push(forbidden(`${field}.${member}`, `resource ${member} cannot be removed`));
  }
  return errors;
}

function others(list: ResourceRequirements['limits'] = {}): unknown {
  return Object.fromEntries(Object.entries(list).filter(([name]) => !resizable.includes(name)));
}
