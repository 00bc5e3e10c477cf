import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Where everything of one cluster is. All names derive from `id`, so that what a cluster made can be found (and removed)
 * by its id alone, whatever was or was not written down before a crash.
 */
export interface Places {
  readonly cluster: string;
  /** Eight hex digits, of the home directory and the cluster's name. */
  readonly id: string;
  readonly home: string;
  /** State, keys and logs. */
  readonly directory: string;
  /** Sockets: unix socket paths are limited to 107 bytes. */
  readonly runDirectory: string;
  /** Below every control group hierarchy. */
  readonly cgroup: string;
  readonly stateFile: string;
  readonly supervisorFile: string;
  readonly specsFile: string;
  readonly pki: string;
  readonly logs: string;
  readonly spans: string;
  readonly nats: string;
  readonly apiserverSocket: string;
  /** The REST door, for what reaches into nodes' namespaces. */
  readonly restSocket: string;
  /** Says why a pod waits (navarch.scheduler.v1). */
  readonly schedulerSocket: string;
  /** Where the logs of a failed start are kept after everything else was removed. */
  readonly failedLogs: string;
  log(process: string): string;
  node(name: string): NodePlaces;
}

export interface NodePlaces {
  readonly directory: string;
  /** As `ip netns` knows it. */
  readonly namespace: string;
  readonly namespaceFile: string;
  readonly containerdConfig: string;
  readonly containerdSocket: string;
  readonly kubeletDirectory: string;
  readonly kubeletSocket: string;
  readonly cniConfig: string;
  readonly cniData: string;
  readonly podLogs: string;
  /** Below every control group hierarchy; without leading slash. */
  readonly cgroup: string;
}

/** The environment variable by which the processes of a cluster are recognized, however they came to be. */
export const markVariable = 'NAVARCH_CLUSTER_ID';

export const runRoot = '/run/navarch';

/** Throws where the name is no DNS label of at most 40 characters. */
export function placesOf(home: string, cluster: string): Places {
  if (!/^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$/.test(cluster)) {
    throw new Error(`"${cluster}" is no cluster name: use 1 to 40 lower-case letters, digits and "-", such as "default"`);
  }
  const id = createHash('sha256').update(`${home}\0${cluster}`).digest('hex').slice(0, 8);
  const directory = join(home, cluster);
  const runDirectory = join(runRoot, id);
  const cgroup = `navarch-${id}`;
  return {
    cluster, id, home, directory, runDirectory, cgroup,
    stateFile: join(directory, 'cluster.json'),
    supervisorFile: join(directory, 'supervisor.json'),
    specsFile: join(directory, 'processes.json'),
    pki: join(directory, 'pki'),
    logs: join(directory, 'logs'),
    spans: join(directory, 'spans'),
    nats: join(directory, 'nats'),
    apiserverSocket: join(runDirectory, 'apiserver.sock'),
    restSocket: join(runDirectory, 'rest.sock'),
    schedulerSocket: join(runDirectory, 'scheduler.sock'),
    failedLogs: join(home, `failed-${cluster}`),
    log: (process) => join(directory, 'logs', `${process}.log`),
    node: (name) => nodePlaces(name, { id, directory: join(directory, 'nodes', name), runDirectory, cgroup }),
  };
}

function nodePlaces(name: string, cluster: { id: string; directory: string; runDirectory: string; cgroup: string }): NodePlaces {
  const { directory, runDirectory } = cluster;
  const namespace = `nv${cluster.id}-${name}`;
  return {
    directory, namespace,
    namespaceFile: `/run/netns/${namespace}`,
    containerdConfig: join(directory, 'containerd.toml'),
    containerdSocket: join(runDirectory, `${name}.containerd.sock`),
    kubeletDirectory: join(directory, 'kubelet'),
    kubeletSocket: join(runDirectory, `${name}.kubelet.sock`),
    cniConfig: join(directory, 'cni', 'conf'),
    cniData: join(directory, 'cni', 'data'),
    podLogs: join(directory, 'pod-logs'),
    cgroup: `${cluster.cgroup}/${name}`,
  };
}

/** The repository this file belongs to, as source or as bundle. */
export function repositoryRoot(from: string = __dirname): string {
  for (let directory = from; ; directory = dirname(directory)) {
    const file = join(directory, 'package.json');
    if (existsSync(file) && (JSON.parse(readFileSync(file, 'utf8')) as { name?: string }).name === 'navarch') return directory;
    if (directory === dirname(directory)) throw new Error(`no Navarch repository around ${from}`);
  }
}
