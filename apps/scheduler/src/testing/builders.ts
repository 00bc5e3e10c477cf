import { seededRandom, VirtualClock, type Random } from '@navarch/base';
import type { ApiClient } from '@navarch/client';
import type { Container, Node, Pod, PodSpec, Taint } from '@navarch/proto/k8s/io/api/core/v1/core';

import { buildProfiles, type ProfileConfig } from '../config';
import type { Framework } from '../framework/framework';
import type { PluginFactory, PluginHandle } from '../framework/plugin';
import { PlacementFinder } from '../cycle/placement';
import type { VolumeCaches } from '../snapshot/volume-caches';
import { ClusterCache } from '../snapshot/cluster-cache';

export interface NodeShape {
  readonly cpu?: string;
  readonly memory?: string;
  readonly pods?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: Taint[];
  readonly unschedulable?: boolean;
  readonly extended?: Readonly<Record<string, string>>;
}

export function node(name: string, shape: NodeShape = {}): Node {
  const { cpu = '4', memory = '32Gi', pods = '110', labels = {}, taints, unschedulable, extended = {} } = shape;
  const amounts = { cpu, memory, pods, ...extended };
  return {
    metadata: { name, uid: `node-${name}`, labels: { 'kubernetes.io/hostname': name, ...labels } },
    spec: { ...(taints && { taints }), ...(unschedulable && { unschedulable }) },
    status: { allocatable: Object.fromEntries(Object.entries(amounts).map(([key, string]) => [key, { string }])) },
  };
}

export interface PodShape {
  readonly cpu?: string;
  readonly memory?: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly hostPorts?: readonly { readonly port: number; readonly protocol?: string; readonly ip?: string }[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly spec?: PodSpec;
  readonly requests?: Readonly<Record<string, string>>;
}

export function container(shape: PodShape, name = 'main'): Container {
  const { cpu, memory, hostPorts, requests = {} } = shape;
  const amounts: Record<string, string> = { ...requests, ...(cpu !== undefined && { cpu }), ...(memory !== undefined && { memory }) };
  const asked = Object.fromEntries(Object.entries(amounts).map(([key, string]) => [key, { string }]));
  return {
    name, image: 'app', ...(Object.keys(asked).length > 0 && { resources: { requests: asked } }),
    ...(hostPorts && { ports: hostPorts.map(({ port, protocol, ip }) => ({ containerPort: port, hostPort: port, protocol: protocol ?? 'TCP', ...(ip && { hostIP: ip }) })) }),
  };
}

export function pod(name: string, shape: PodShape = {}): Pod {
  const { namespace = 'default', uid = `pod-${name}`, labels, spec } = shape;
  return { metadata: { name, namespace, uid, ...(labels && { labels }) }, spec: { schedulerName: 'default-scheduler', containers: [container(shape)], ...spec } };
}

export const virtualClock = (): VirtualClock => new VirtualClock(1_700_000_000_000, () => new Promise((resolve) => setImmediate(resolve)));

/** A cluster in memory with the plugins of one profile: what a decision needs. */
export class TestCluster {
  readonly clock = virtualClock();
  readonly cache = new ClusterCache();
  readonly framework: Framework;
  readonly finder: PlacementFinder;

  constructor(options: { readonly profile?: Partial<ProfileConfig>; readonly random?: Random; readonly plugins?: Readonly<Record<string, PluginFactory>> } = {}) {
    const handle: PluginHandle = { client: {} as ApiClient, nodes: this.cache.table, volumes: {} as VolumeCaches, waitingPods: () => [] };
    const profile = { schedulerName: 'default-scheduler', ...options.profile };
    this.framework = buildProfiles([profile], handle, options.plugins).get(profile.schedulerName) as Framework;
    this.finder = new PlacementFinder(this.cache.table, this.clock, options.random ?? seededRandom(1));
  }

  nodes(...nodes: readonly Node[]): this {
    for (const each of nodes) this.cache.setNode(each);
    return this;
  }

  /** Counts a pod as running on a node. */
  running(nodeName: string, ...pods: readonly Pod[]): this {
    for (const each of pods) this.cache.setPod(this.cache.pods.of(each), nodeName);
    return this;
  }

  decide(subject: Pod): { readonly node?: string; readonly message?: string; readonly rejectedBy?: readonly string[]; readonly evaluated: number; readonly feasible: number } {
    const info = this.cache.pods.of(subject);
    const placement = this.finder.find(this.framework, info, this.framework.sign(info));
    const { evaluated, feasible } = placement;
    return placement.outcome === 'placed'
      ? { node: placement.nodeName, evaluated, feasible }
      : { message: placement.diagnosis.message, rejectedBy: [...placement.diagnosis.rejectedBy], evaluated, feasible };
  }

  /** Decides and assumes, as the scheduler does. */
  place(subject: Pod): string | undefined {
    const found = this.decide(subject);
    if (found.node !== undefined) this.cache.assume(this.cache.pods.of(subject), found.node);
    return found.node;
  }
}
