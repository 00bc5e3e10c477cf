/** How a pod's sandboxes and containers are known to the runtime: the labels and annotations from which a kubelet that starts again learns everything. */
import type { Container, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

export const labels = {
  podName: 'io.kubernetes.pod.name',
  podNamespace: 'io.kubernetes.pod.namespace',
  podUid: 'io.kubernetes.pod.uid',
  containerName: 'io.kubernetes.container.name',
} as const;

export const annotations = {
  hash: 'io.kubernetes.container.hash',
  restartCount: 'io.kubernetes.container.restartCount',
  terminationMessagePath: 'io.kubernetes.container.terminationMessagePath',
  terminationMessagePolicy: 'io.kubernetes.container.terminationMessagePolicy',
  preStop: 'io.kubernetes.container.preStopHandler',
  gracePeriod: 'io.kubernetes.pod.terminationGracePeriod',
  /** How many restarts in a row count for the back-off of the next one. */
  backoffStep: 'navarch.io/restart-backoff-step',
} as const;

export interface PodIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export function identityOf(pod: Pod): PodIdentity {
  return { namespace: pod.metadata?.namespace ?? '', name: pod.metadata?.name ?? '', uid: pod.metadata?.uid ?? '' };
}

export function identityOfLabels(map: Readonly<Record<string, string>> = {}): PodIdentity {
  return { namespace: map[labels.podNamespace] ?? '', name: map[labels.podName] ?? '', uid: map[labels.podUid] ?? '' };
}

/** As kubectl and events write it: web-1_default(uid). */
export function podDescription({ namespace, name, uid }: PodIdentity): string {
  return `${name}_${namespace}(${uid})`;
}

/** What makes a running container another one: its image (KEP-1287: other fields cannot change, or need no restart). */
export function containerHash(container: Container): string {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(`${container.name ?? ''}\n${container.image ?? ''}`)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash.toString(16);
}

/** Where things of a pod lie on the node. */
export interface PodPaths {
  readonly root: string;
  readonly logs: string;
  readonly hosts: string;
  volume(plugin: string, name: string): string;
  container(name: string): string;
  /** Below `logs`, as CRI wants it. */
  log(container: string, attempt: number): string;
}

export interface KubeletPaths {
  /** Kubernetes' /var/lib/kubelet. */
  readonly rootDirectory: string;
  /** Kubernetes' /var/log/pods. */
  readonly podLogsDirectory: string;
}

export function podPaths({ rootDirectory, podLogsDirectory }: KubeletPaths, { namespace, name, uid }: PodIdentity): PodPaths {
  const root = `${rootDirectory}/pods/${uid}`;
  return {
    root,
    logs: `${podLogsDirectory}/${namespace}_${name}_${uid}`,
    hosts: `${root}/etc-hosts`,
    volume: (plugin, volume) => `${root}/volumes/kubernetes.io~${plugin}/${volume}`,
    container: (container) => `${root}/containers/${container}`,
    log: (container, attempt) => `${container}/${attempt}.log`,
  };
}
