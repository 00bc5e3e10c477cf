import { codecFor, type FieldError } from '@navarch/api';
import { ApiError } from '@navarch/base';
import type { Pod, PodLogOptions } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { Subresource } from '../kind-extension';
import type { ContainerLogRequest, KubeletConnector } from './kubelet-connector';
import { chooseContainer, nodeOf, readOptions } from './reach';

const optionsCodec = codecFor<PodLogOptions>('k8s.io.api.core.v1.PodLogOptions');

/** A container's log, fetched from the kubelet of the pod's node. A pod without a node has written nothing yet. */
export function podLog(kubelets: KubeletConnector): Subresource {
  return {
    verbs: ['get'],
    async handle(request, context) {
      const options = readOptions(request, optionsCodec);
      checkOptions(options, context.name);
      const stored = await context.find();
      const pod = stored.object as Pod;
      const container = chooseContainer(pod, options.container);
      if (!pod.spec?.nodeName) return { type: 'stream', chunks: nothing() };
      const node = nodeOf(pod, context);
      const ask: ContainerLogRequest = { namespace: context.namespace, pod: context.name, podUid: stored.uid, options: { ...options, container } };
      return { type: 'stream', chunks: kubelets.containerLog(node, ask, request.signal) };
    },
  };
}

async function* nothing(): AsyncGenerator<Uint8Array, void, undefined> {}

function checkOptions(options: PodLogOptions, name: string): void {
  const errors: FieldError[] = [];
  const least = (field: 'tailLines' | 'limitBytes' | 'sinceSeconds', minimum: number): void => {
    const value = options[field];
    if (value !== undefined && value < minimum) {
      errors.push({ type: 'Invalid', field, message: `Invalid value: ${value}: must be greater than or equal to ${minimum}` });
    }
  };
  least('tailLines', 0);
  least('limitBytes', 1);
  least('sinceSeconds', 1);
  if (options.sinceSeconds !== undefined && options.sinceTime) {
    errors.push({ type: 'Forbidden', field: '', message: 'Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified' });
  }
  if (errors.length === 0) return;
  const causes = errors.map(({ type, field, message }) => ({ reason: `FieldValue${type}`, field, message }));
  throw new ApiError('Invalid', `PodLogOptions "${name}" is invalid: ${errors.map(({ field, message }) => (field ? `${field}: ${message}` : message)).join(', ')}`, { kind: 'PodLogOptions', name, causes });
}
