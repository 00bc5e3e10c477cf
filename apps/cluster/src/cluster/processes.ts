/** The processes of a cluster: what runs where, in which order. */
import { join } from 'node:path';

import { inNamespace } from '../network/fabric';
import { machineResolvers } from '../network/uplink';
import type { ProcessSpec } from '../supervisor/specs';
import { apiserverFlags, controllersFlags, dnsFlags, flagsToArguments, hollowNodesFlags, kubeletFlags, proxyFlags, relayFlags, schedulerFlags, type Flags } from './app-flags';
import type { Places } from './places';
import type { ClusterState } from './state';

export interface ProcessOptions {
  readonly places: Places;
  readonly state: ClusterState;
  /** The repository with the built apps. */
  readonly root: string;
}

export const natsEndpoint = (state: ClusterState): string => `127.0.0.1:${state.ports.nats}`;

/** Those that wait start when what they need accepts connections: so they share two cores, and none fails at its first try. */
export function clusterProcesses({ places, state, root }: ProcessOptions): ProcessSpec[] {
  const spec = (stage: number, name: string, command: readonly string[], after: readonly string[] = []): ProcessSpec =>
    ({ name, command, env: {}, log: places.log(name), after, stage });
  const app = (name: string, flags: Flags): string[] => [process.execPath, join(root, 'dist', 'apps', name, 'main.js'), ...flagsToArguments(flags)];
  const onNode = (node: string, command: readonly string[]): string[] => inNamespace(places.node(node).namespaceFile, command);
  return [
    spec(0, 'nats-server', ['nats-server', '--config', join(places.nats, 'nats.conf')]),
    ...state.nodes.map(({ name }) => spec(0, `${name}.containerd`, onNode(name, ['containerd', '--config', places.node(name).containerdConfig]))),
    spec(1, 'apiserver', app('apiserver', apiserverFlags(places, state)), [natsEndpoint(state)]),
    spec(2, 'controllers', app('controllers', controllersFlags(places, state)), [places.apiserverSocket]),
    spec(2, 'scheduler', app('scheduler', schedulerFlags(places)), [places.apiserverSocket]),
    spec(2, 'relay', app('relay', relayFlags(places)), [places.apiserverSocket]),
    ...(state.hollow ? [spec(2, 'hollow', [process.execPath, join(root, 'dist', 'apps', 'kubelet', 'hollow-main.js'), ...flagsToArguments(hollowNodesFlags(places, state))], [places.apiserverSocket])] : []),
    ...state.nodes.flatMap((node) => [
      spec(2, `${node.name}.kubelet`, onNode(node.name, app('kubelet', kubeletFlags(places, node))), [places.apiserverSocket, places.node(node.name).containerdSocket]),
      spec(2, `${node.name}.proxy`, onNode(node.name, app('proxy', proxyFlags(places, node))), [places.apiserverSocket]),
      // No node needs it to become Ready: it leaves the processor to the kubelet's start.
      spec(2, `${node.name}.dns`, onNode(node.name, app('dns', dnsFlags(places, node, state.uplink === 'nat' ? machineResolvers() : []))), [places.apiserverSocket, places.node(node.name).kubeletSocket]),
    ]),
  ];
}
