import { codecFor, setCondition, type FieldError } from '@navarch/api';
import { ApiError } from '@navarch/base';
import type { Binding, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { badRequest, conflict } from '../errors';
import type { Subresource } from '../kind-extension';
import type { ApiRequest } from '../request';
import { jsonType, parseJson } from '../write/body';
import { checkPreconditions } from '../write/deletion';

const pods = { group: '', plural: 'pods' };
const bindingCodec = codecFor<Binding>('k8s.io.api.core.v1.Binding');

/** Gives a pod its node: once, in one write with its PodScheduled condition. */
export const podBinding: Subresource = {
  verbs: ['create'],
  async handle(request, context) {
    const binding = readBinding(request);
    const node = checkTarget(binding, context.name);
    await context.mutate((current) => ({ type: 'update', next: bind(current.object as Pod, binding, node, context.nowMs, context.resource) }));
    return { type: 'status', status: { status: 'Success', code: 201 } };
  },
};

function readBinding({ body, target, options, warn }: ApiRequest): Binding {
  if (!body) throw badRequest('a binding needs a body');
  const binding = 'object' in body ? body.object as Binding
    : body.contentType.startsWith(jsonType) ? bindingCodec.fromJson(parseJson(body.bytes), { fieldValidation: options.fieldValidation, warn })
    : bindingCodec.decode(body.bytes);
  const named = binding.metadata?.name;
  if (named !== undefined && named !== target.name) throw badRequest(`name in URL does not match name in Binding object`);
  return binding;
}

function checkTarget({ target }: Binding, name: string): string {
  const errors: FieldError[] = [];
  if (target?.kind !== undefined && target.kind !== 'Node') {
    errors.push({ type: 'NotSupported', field: 'target.kind', message: `Unsupported value: "${target.kind}": supported values: "Node", "<empty>"` });
  }
  if (!target?.name) errors.push({ type: 'Required', field: 'target.name', message: 'Required value' });
  if (errors.length === 0 && target?.name) return target.name;
  const text = errors.map(({ field, message }) => `${field}: ${message}`).join(', ');
  const causes = errors.map(({ type, field, message }) => ({ reason: `FieldValue${type}`, field, message }));
  throw new ApiError('Invalid', `Binding "${name}" is invalid: ${text}`, { kind: 'Binding', name, causes });
}

function bind(pod: Pod, binding: Binding, node: string, nowMs: number, resource: Parameters<typeof checkPreconditions>[0]): Pod {
  const name = pod.metadata?.name ?? '';
  const { uid, resourceVersion, annotations } = binding.metadata ?? {};
  checkPreconditions(resource, pod, { preconditions: { uid, resourceVersion } });
  if (pod.metadata?.deletionTimestamp) throw conflict(pods, name, `pod ${name} is being deleted, cannot be assigned to a host`);
  if (pod.spec?.nodeName) throw conflict(pods, name, `pod ${name} is already assigned to node "${pod.spec.nodeName}"`);
  if (pod.spec?.schedulingGates?.length) throw conflict(pods, name, `pod ${name} has non-empty .spec.schedulingGates`);
  return {
    ...pod,
    metadata: { ...pod.metadata, annotations: annotations ? { ...pod.metadata?.annotations, ...annotations } : pod.metadata?.annotations },
    spec: { ...pod.spec, nodeName: node },
    status: { ...pod.status, conditions: setCondition(pod.status?.conditions ?? [], { type: 'PodScheduled', status: 'True' }, nowMs) },
  };
}
