import type { NodePlaces } from '../cluster/places';

export interface ContainerdOptions {
  readonly node: NodePlaces;
  /** containerd's own state: removed with the node, on a file system of the running machine (sockets, mounts). */
  readonly stateDirectory: string;
  readonly cniPlugins: string;
  readonly pauseImage: string;
  /** overlayfs, or native where the directory is itself on an overlay. */
  readonly snapshotter: 'overlayfs' | 'native';
}

/**
 * A node's containerd shares nothing with another's, nor with one the machine may run itself: own directories, sockets,
 * CNI configuration and runc state. Plugins that a node does not use are left out: they cost start time and memory.
 */
export function containerdConfig({ node, stateDirectory, cniPlugins, pauseImage, snapshotter }: ContainerdOptions): string {
  return `version = 2
root = "${node.directory}/containerd"
state = "${stateDirectory}"
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs", "io.containerd.internal.v1.tracing", "io.containerd.tracing.processor.v1.otlp",
]

[grpc]
  address = "${node.containerdSocket}"

[ttrpc]
  address = "${node.containerdSocket}.ttrpc"

[plugins."io.containerd.internal.v1.opt"]
  path = "${node.directory}/opt"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImage}"
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  # Without CAP_SYS_RESOURCE a sandbox may not lower its oom_score_adj, and would not start.
  restrict_oom_score_adj = true
  disable_hugetlb_controller = true
  tolerate_missing_hugetlb_controller = true
  # Pods' namespaces are mounted below the state directory, where they are found again after a crash.
  netns_mounts_under_state_dir = true

[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "${cniPlugins}"
  conf_dir = "${node.cniConfig}"

[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = "${node.directory}/registries"

[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "${snapshotter}"
  default_runtime_name = "runc"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  Root = "${stateDirectory}/runc"
`;
}
