import type { MessageCodec } from '@navarch/api';
import { ApiError } from '@navarch/base';
import type { Node, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { badRequest } from '../errors';
import type { SubresourceContext } from '../kind-extension';
import type { ApiRequest } from '../request';
import { jsonType, parseJson } from '../write/body';

/** What subresources that end at the kubelet have in common: their options, the container that is meant, and the node. */
export function readOptions<T extends object>({ body }: ApiRequest, codec: MessageCodec<T>): T {
  if (!body) return {} as T;
  if ('object' in body) return body.object as T;
  return body.contentType.startsWith(jsonType) ? codec.fromJson(parseJson(body.bytes)) : codec.decode(body.bytes);
}

/** The pod's node, as last seen. BadRequest while it has none. */
export function nodeOf(pod: Pod, context: SubresourceContext): Node {
  const nodeName = pod.spec?.nodeName;
  if (!nodeName) throw badRequest(`pod ${pod.metadata?.name ?? ''} does not have a host assigned`);
  const node = context.cache('', 'nodes').get('', nodeName)?.object as Node | undefined;
  if (!node) throw new ApiError('NotFound', `nodes "${nodeName}" not found`, { kind: 'nodes', name: nodeName });
  return node;
}

/** A pod's only container needs no naming. */
export function chooseContainer(pod: Pod, asked: string | undefined): string {
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
