import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import type { Places } from '../cluster/places';
import type { ClusterState, NodeRecord } from '../cluster/state';
import { run } from '../host/exec';
import { mounts } from '../host/mounts';
import { presetNames } from '../image/presets';
import { containerdConfig } from './containerd-config';

/** A node's directories, containerd's configuration, and the kubelet's directory as a shared mount of its own. */
export async function prepareNode(places: Places, state: ClusterState, node: NodeRecord, cniPlugins: string): Promise<void> {
  const at = places.node(node.name);
  for (const directory of [at.kubeletDirectory, at.cniConfig, at.cniData, at.podLogs, join(at.directory, 'registries')]) mkdirSync(directory, { recursive: true, mode: 0o700 });
  const config = containerdConfig({
    node: at, cniPlugins, pauseImage: presetNames.pause, snapshotter: state.snapshotter,
    stateDirectory: join(places.runDirectory, `${node.name}.state`),
  });
  writeFileSync(at.containerdConfig, config, { mode: 0o600 });
  // `/` may be a private mount; HostToContainer propagation needs a shared one below the kubelet.
  if (mounts().some(({ path }) => path === at.kubeletDirectory)) return;
  await run(['mount', '--bind', at.kubeletDirectory, at.kubeletDirectory]);
  await run(['mount', '--make-rshared', at.kubeletDirectory]);
}

/** overlayfs does not work on top of itself, as inside another container. */
export function chooseSnapshotter(directory: string, all = mounts()): ClusterState['snapshotter'] {
  for (let path = directory; ; path = dirname(path)) {
    const mount = all.filter((candidate) => candidate.path === path).at(-1);
    if (mount) return mount.type === 'overlay' ? 'native' : 'overlayfs';
    if (path === '/') return 'overlayfs';
  }
}
