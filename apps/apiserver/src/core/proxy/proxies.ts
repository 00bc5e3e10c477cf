import { nodes, services } from '@navarch/api';
import type { Node, Pod, Service } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { EndpointSlice } from '@navarch/proto/k8s/io/api/discovery/v1/discovery';

import type { KindExtension, Subresource, SubresourceContext } from '../kind-extension';
import type { KubeletConnector } from '../pods/kubelet-connector';
import { nodeOf } from '../pods/reach';
import type { ApiRequest, Session } from '../request';
import { chooseEndpoint } from './choose-endpoint';
import { allowed, endpointNode } from './reach';
import { parseProxyTarget, portNumber, type ProxyTarget } from './target-name';

/**
 * The proxy subresource of pods, services and nodes: the caller's HTTP request, carried on to what listens there. The apiserver has no
 * address in the pod network, so that connections begin at a node, opened by its kubelet.
 */
export function podProxy(kubelets: KubeletConnector): Subresource {
  return proxy(async (target, context) => {
    const pod = (await context.find(target.name)).object as Pod;
    const port = target.port === undefined ? firstPort(pod) : portNumber(target.port);
    return through(kubelets, target, nodeOf(pod, context), allowed(pod.status?.podIP), port);
  });
}

/** The extensions of the kinds that have nothing else of their own. */
export function proxyExtensions(kubelets: KubeletConnector): readonly KindExtension[] {
  const ofNode = proxy(async (target, context) => {
    const node = (await context.find(target.name)).object as Node;
    const port = target.port === undefined ? kubeletPort : portNumber(target.port);
    // The kubelet itself: plain, because the connection to it is a stream inside TLS already.
    if (port === kubeletPort) return through(kubelets, { ...target, scheme: 'http' }, node, '', port);
    return through(kubelets, target, node, allowed(node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address), port);
  });
  const ofService = proxy(async (target, context) => {
    const service = (await context.find(target.name)).object as Service;
    const slices = context.objectsIn('discovery.k8s.io', 'endpointslices').map(({ object }) => object as EndpointSlice);
    const endpoint = chooseEndpoint(service, target.port, slices, context.random);
    return through(kubelets, target, endpointNode(context.cache('', 'nodes'), endpoint), allowed(endpoint.address), endpoint.port);
  });
  return [
    { group: nodes.group, plural: nodes.plural, subresources: { proxy: ofNode } },
    { group: services.group, plural: services.plural, subresources: { proxy: ofService } },
  ];
}

/** Where Kubernetes' kubelets listen; here a name for the kubelet, which listens at no port. */
const kubeletPort = 10_250;

function proxy(open: (target: ProxyTarget, context: SubresourceContext) => Promise<Session>): Subresource {
  return {
    verbs: ['get', 'create', 'update', 'patch', 'delete'],
    handle: async (_request: ApiRequest, context) => ({ type: 'session', session: await open(parseProxyTarget(context.name), context), release: () => undefined }),
  };
}

function through(kubelets: KubeletConnector, { scheme }: ProxyTarget, node: Node, address: string, port: number): Session {
  return { kind: 'proxy', scheme, port, start: (signal) => kubelets.dial(node, address, signal) };
}

function firstPort(pod: Pod): number {
  return pod.spec?.containers?.flatMap(({ ports = [] }) => ports)[0]?.containerPort ?? 80;
}
