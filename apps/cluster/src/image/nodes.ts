/** Images on the nodes: each has its own containerd, so each gets its own copy. */
import { existsSync } from 'node:fs';

import type { Places } from '../cluster/places';
import type { ClusterState } from '../cluster/state';
import { run } from '../host/exec';

const ctr = (socket: string, ...args: readonly string[]): string[] => ['ctr', '--address', socket, '--namespace', 'k8s.io', ...args];

/** Imports an OCI archive into every node, or the one named; answers the names of the nodes. */
export async function loadImage(places: Places, state: ClusterState, file: string, only?: string): Promise<string[]> {
  if (!existsSync(file)) throw new Error(`${file} does not exist`);
  const nodes = state.nodes.filter(({ name }) => only === undefined || name === only);
  if (nodes.length === 0) throw new Error(`there is no node ${only}; there are ${state.nodes.map(({ name }) => name).join(', ')}`);
  await Promise.all(nodes.map(({ name }) => run(ctr(places.node(name).containerdSocket, 'images', 'import', '--snapshotter', state.snapshotter, file))));
  return nodes.map(({ name }) => name);
}

/** Names of the images on a node, without digests. */
export async function listImages(places: Places, node: string): Promise<string[]> {
  const names = (await run(ctr(places.node(node).containerdSocket, 'images', 'list', '--quiet'))).split('\n');
  return names.filter((name) => name !== '' && !name.startsWith('sha256:') && !name.includes('@sha256:')).sort();
}
