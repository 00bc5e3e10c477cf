import { codecFor, type FieldError } from '@navarch/api';
import { ApiError } from '@navarch/base';
import type { Node, Pod, PodLogOptions } from '@navarch/proto/k8s/io/api/core/v1/core';

import { badRequest } from '../errors';
import type { Subresource } from '../kind-extension';
import type { ApiRequest } from '../request';
import { jsonType, parseJson } from '../write/body';

export interface ContainerLogRequest {
  readonly namespace: string;
  readonly pod: string;
  readonly podUid: string;
  /** With `container` always set. */
  readonly options: PodLogOptions;
}

/** How the apiserver reaches a node's kubelet. Unavailable where it cannot. */
export interface KubeletConnector {
  containerLog(node: Node, request: ContainerLogRequest, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

const optionsCodec = codecFor<PodLogOptions>('k8s.io.api.core.v1.PodLogOptions');

/** A container's log, fetched from the kubelet of the pod's node. A pod without a node has written nothing yet. */
export function podLog(kubelets: KubeletConnector): Subresource {
  return {
    verbs: ['get'],
    async handle(request, context) {
      const options = readOptions(request);
      checkOptions(options, context.name);
      const stored = await context.find();
      const pod = stored.object as Pod;
      const container = chooseContainer(pod, options.container);
      const nodeName = pod.spec?.nodeName;
      if (!nodeName) return { type: 'stream', chunks: nothing() };
      const node = context.cache('', 'nodes').get('', nodeName)?.object as Node | undefined;
      if (!node) throw new ApiError('NotFound', `nodes "${nodeName}" not found`, { kind: 'nodes', name: nodeName });
      const ask: ContainerLogRequest = { namespace: context.namespace, pod: context.name, podUid: stored.uid, options: { ...options, container } };
      return { type: 'stream', chunks: kubelets.containerLog(node, ask, request.signal) };
    },
  };
}

async function* nothing(): AsyncGenerator<Uint8Array, void, undefined> {}

function readOptions({ body }: ApiRequest): PodLogOptions {
  if (!body) return {};
  if ('object' in body) return body.object as PodLogOptions;
  return body.contentType.startsWith(jsonType) ? optionsCodec.fromJson(parseJson(body.bytes)) : optionsCodec.decode(body.bytes);
}

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

/** A pod's only container needs no naming. */
function chooseContainer(pod: Pod, asked: string | undefined): string {
  const spec = pod.spec ?? {};
  const names = (list: readonly { name?: string | undefined }[] | undefined): string[] => (list ?? []).map(({ name = '' }) => name);
  const containers = names(spec.containers);
  const [init, ephemeral] = [names(spec.initContainers), names(spec.ephemeralContainers?.map(({ ephemeralContainerCommon = {} }) => ephemeralContainerCommon))];
  const podName = pod.metadata?.name ?? '';
  if (asked) {
    if ([...containers, ...init, ...ephemeral].includes(asked)) return asked;
    throw badRequest(`container ${asked} is not valid for pod ${podName}`);
  }
  const [only] = containers;
  if (only !== undefined && containers.length + init.length + ephemeral.length === 1) return only;
  const initNote = init.length > 0 ? ` or one of the init containers: [${init.join(' ')}]` : '';
  throw badRequest(`a container name must be specified for pod ${podName}, choose one of: [${containers.join(' ')}]${initNote}`);
}
