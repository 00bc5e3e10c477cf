import { createRegistry, events, leases, microTimeFromMs, namespaces, nodes, pods, timeFromMs } from '@navarch/api';
import { seededRandom, silentLogger, VirtualClock } from '@navarch/base';
import type { ReconcileRecord } from '@navarch/client';
import { createMemoryApi, type MemoryApi } from '@navarch/client/testing';
import type { Event, Node, Pod, Toleration } from '@navarch/proto/k8s/io/api/core/v1/core';

import { runControllers, type Controllers } from '../app';
import type { ControllersConfig } from '../config';
import { PodRunner, type PodBehaviour } from './pod-runner';

/** All controllers on a fake API under a virtual clock, and nodes that behave or do not. */
export class ControllerCluster {
  readonly clock = new VirtualClock(1_700_000_000_000, () => new Promise((resolve) => setImmediate(resolve)));
  readonly api: MemoryApi;
  private readonly running = new Set<Controllers>();
  private readonly silent = new Set<string>();
  private readonly beating = new Set<string>();
  private readonly runners = new Set<PodRunner>();
  private nextSeed = 1;

  constructor() {
    this.api = createMemoryApi({ clock: this.clock, random: seededRandom(99) });
  }

  async start(config: Partial<ControllersConfig> = {}, client = this.api.client, observe?: (record: ReconcileRecord) => void): Promise<Controllers> {
    const registry = createRegistry();
    const controllers = runControllers({
      client, clock: this.clock, random: seededRandom(this.nextSeed), logger: silentLogger, identity: `controllers-${this.nextSeed++}`, resources: () => registry.all().filter(({ storedAs }) => !storedAs), config, ...(observe && { observe }),
    });
    controllers.done.catch(() => undefined);
    this.running.add(controllers);
    await this.clock.advance(10);
    return controllers;
  }

  /** Lets everything that is under way run out, without time passing. */
  settle(): Promise<void> {
    return this.clock.advance(0);
  }

  /** Those that run. */
  controllers(): Iterable<Controllers> {
    return this.running;
  }

  async stop(controllers: Controllers): Promise<void> {
    this.running.delete(controllers);
    const closed = controllers.close();
    await this.clock.advance(3_000);
    await closed;
  }

  async close(): Promise<void> {
    for (const name of this.beating) this.silent.add(name);
    for (const controllers of [...this.running]) await this.stop(controllers);
    for (const runner of this.runners) await runner.close();
  }

  async addNamespace(name: string): Promise<void> {
    await this.api.client.resource(namespaces).create({ metadata: { name } });
  }

  /** A node whose kubelet reports Ready once and then renews its Lease every 10 s. */
  async addNode(name: string, over: { ready?: string; labels?: Record<string, string> } = {}): Promise<void> {
    const client = this.api.client.resource(nodes);
    const created = await client.create({ metadata: { name, ...(over.labels && { labels: over.labels }) } });
    const now = timeFromMs(this.clock.now());
    const conditions = [{ type: 'Ready', status: over.ready ?? 'True', lastHeartbeatTime: now, lastTransitionTime: now }];
    await client.updateStatus({ ...created, status: { conditions: [...conditions, ...['MemoryPressure', 'DiskPressure', 'PIDPressure'].map((type) => ({ type, status: 'False' }))] } });
    this.silent.delete(name);
    if (!this.beating.has(name)) this.beat(name);
  }

  /** The node's kubelet stops renewing. */
  silence(name: string): void {
    this.silent.add(name);
  }

  /** The kubelet is back and says it is ready. */
  async revive(name: string): Promise<void> {
    this.silent.delete(name);
    this.beat(name);
    await this.setCondition(name, 'Ready', 'True');
  }

  async setCondition(name: string, type: string, status: string): Promise<void> {
    const client = this.api.client.resource(nodes);
    const node = await client.get('', name);
    const conditions = [...(node.status?.conditions ?? []).filter((condition) => condition.type !== type), { type, status, lastHeartbeatTime: timeFromMs(this.clock.now()) }];
    await client.updateStatus({ ...node, status: { ...node.status, conditions } });
  }

  /** From now on pods run, on a node that is made for them: at once and well unless `behaviour` says otherwise. */
  async runPods(behaviour: (pod: Pod) => PodBehaviour = () => ({}), node = 'runner'): Promise<PodRunner> {
    await this.addNode(node);
    const runner = new PodRunner(this, node, behaviour);
    this.runners.add(runner);
    return runner;
  }

  async addPod(name: string, node: string | undefined, over: { phase?: string; tolerations?: Toleration[]; finalizers?: string[] } = {}): Promise<Pod> {
    const client = this.api.client.resource(pods);
    const { tolerations, finalizers, phase = 'Running' } = over;
    await client.create({ metadata: { namespace: 'default', name, ...(finalizers && { finalizers }) }, spec: { containers: [{ name: 'main', image: 'busybox' }], terminationGracePeriodSeconds: 0, ...(tolerations && { tolerations }) } });
    if (node !== undefined) await this.api.client.bindPod({ metadata: { namespace: 'default', name }, target: { kind: 'Node', name: node } });
    const bound = await client.get('default', name);
    return client.updateStatus({ ...bound, status: { ...bound.status, phase, conditions: [{ type: 'Ready', status: phase === 'Running' ? 'True' : 'False' }] } });
  }

  node(name: string): Promise<Node> {
    return this.api.client.resource(nodes).get('', name);
  }

  async podNames(): Promise<string[]> {
    return (await this.api.client.resource(pods).list()).items.map(({ metadata }) => metadata?.name ?? '').sort();
  }

  async taintsOf(name: string): Promise<string[]> {
    return ((await this.node(name)).spec?.taints ?? []).map(({ key = '', effect }) => `${key.replace('node.kubernetes.io/', '')}:${effect}`).sort();
  }

  async conditionOf(name: string, type = 'Ready'): Promise<string | undefined> {
    const condition = (await this.node(name)).status?.conditions?.find((each) => each.type === type);
    return condition && `${condition.status} ${condition.reason ?? ''}`.trim();
  }

  async events(reason: string): Promise<Event[]> {
    return (await this.api.client.resource(events).list()).items.filter((event) => event.reason === reason);
  }

  private beat(name: string): void {
    this.beating.add(name);
    if (this.silent.has(name)) {
      this.beating.delete(name);
      return;
    }
    void this.renew(name);
    this.clock.setTimer(10_000, () => this.beat(name));
  }

  private async renew(name: string): Promise<void> {
    const client = this.api.client.resource(leases);
    const spec = { holderIdentity: name, leaseDurationSeconds: 40, renewTime: microTimeFromMs(this.clock.now()) };
    const metadata = { namespace: 'kube-node-lease', name };
    await client.update({ metadata, spec }).catch(() => client.create({ metadata, spec }));
  }
}
