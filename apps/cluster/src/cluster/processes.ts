/** The processes of a cluster: what runs where, with which settings, in which order. */
import { join } from 'node:path';

import { natsUser } from '../control-plane/nats';
import { inNamespace, podRange } from '../network/fabric';
import { presetNames } from '../image/presets';
import type { ProcessSpec } from '../supervisor/specs';
import type { Places } from './places';
import type { ClusterState, NodeRecord } from './state';

export interface ProcessOptions {
  readonly places: Places;
  readonly state: ClusterState;
  /** The repository with the built apps. */
  readonly root: string;
}

/** How the supervisor knows that NATS and the apiserver are there. */
export const natsEndpoint = (state: ClusterState): string => `127.0.0.1:${state.ports.nats}`;

export function clusterProcesses(options: ProcessOptions): ProcessSpec[] {
  const { places, state } = options;
  const spec = (name: string, command: readonly string[], after: readonly string[], env: Record<string, string> = {}): ProcessSpec =>
    ({ name, command, env, log: places.log(name), after });
  return [
    spec('nats-server', ['nats-server', '--config', join(places.nats, 'nats.conf')], []),
    ...state.nodes.map(({ name }) => spec(`${name}.containerd`, inNode(options, name, ['containerd', '--config', places.node(name).containerdConfig]), [])),
    spec('apiserver', app(options, 'apiserver', 'apiserver'), [natsEndpoint(state)]),
    spec('controllers', app(options, 'controllers', 'controllers'), [places.apiserverSocket]),
    spec('scheduler', app(options, 'scheduler', 'scheduler'), [places.apiserverSocket]),
    ...state.nodes.flatMap((node) => [
      spec(`${node.name}.kubelet`, inNode(options, node.name, app(options, 'kubelet', `${node.name}.kubelet`, node)), [places.apiserverSocket, places.node(node.name).containerdSocket]),
      spec(`${node.name}.proxy`, inNode(options, node.name, app(options, 'proxy', `${node.name}.proxy`, node)), [places.apiserverSocket]),
    ]),
  ];
}

const inNode = ({ places }: ProcessOptions, node: string, command: readonly string[]): string[] => inNamespace(places.node(node).namespaceFile, command);
