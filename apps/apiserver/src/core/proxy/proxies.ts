import { nodes, services } from '@navarch/api';
import { ApiError } from '@navarch/base';
import type { Node, Pod, Service } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { EndpointSlice } from '@navarch/proto/k8s/io/api/discovery/v1/discovery';
import ipaddr from 'ipaddr.js';

import { badRequest } from '../errors';
import type { KindExtension, Subresource, SubresourceContext } from '../kind-extension';
import type { KubeletConnector } from '../pods/kubelet-connector';
import { nodeOf } from '../pods/reach';
import type { ApiRequest, Session } from '../request';
import { chooseEndpoint } from './choose-endpoint';
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
    const { address, port, nodeName } = chooseEndpoint(service, target.port, slices, context.random);
    const node = nodeName === undefined ? anyNode(context) : nodeNamed(nodeName, context);
    return through(kubelets, target, node, allowed(address), port);
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

/** What anybody may write into a status must not lead to the node's own loopback, to metadata services or to everyone. */
function allowed(address: string | undefined): string {
  const parsed = address !== undefined && ipaddr.isValid(address) ? ipaddr.process(address) : undefined;
  if (!parsed || ['loopback', 'linkLocal', 'multicast', 'unspecified', 'broadcast'].includes(parsed.range())) throw badRequest('address not allowed');
  return parsed.toString();
}

function firstPort(pod: Pod): number {
  return pod.spec?.containers?.flatMap(({ ports = [] }) => ports)[0]?.containerPort ?? 80;
}

function nodeNamed(name: string, context: SubresourceContext): Node {
  const node = context.cache('', 'nodes').get('', name)?.object as Node | undefined;
  if (!node) throw new ApiError('NotFound', `nodes "${name}" not found`, { kind: 'nodes', name });
  return node;
}

/** An endpoint that is no pod's can be reached from every node. */
function anyNode(context: SubresourceContext): Node {
  const ready = context.objectsIn('', 'nodes').map(({ object }) => object as Node)
    .find(({ status }) => status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True'));
  if (!ready) throw new ApiError('Unavailable', 'no node is ready through which the endpoint could be reached');
  return ready;
}
