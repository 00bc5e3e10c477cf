/**
 * Watches over the nodes: one that falls silent becomes Unknown, and taints follow conditions, so that the scheduler keeps
 * pods away and taint-eviction drives them away.
 */
import { nodes, pods, timeFromMs } from '@navarch/api';
import { isNotFound } from '@navarch/base';
import { cacheOnly, startController, watching, type ReconcileContext } from '@navarch/client';
import type { Node, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { ControllerDependencies, StartController } from '../../dependencies';
import { podReference } from '../../pod/pod-reference';
import { nodeReference } from '../node-reference';
import { EvictionTokens } from './eviction-tokens';
import { Heartbeats } from './heartbeats';
import { conditionsOfSilent, readinessOf, silentAtMs, type Readiness } from './plan-conditions';
import { planTaints } from './plan-taints';
import { evictionRate, ZoneCensus, zoneOf } from './zone-census';
import { nodeLeaseNamespace } from '../../informers';

class NodeLifecycle {
  private readonly heartbeats = new Heartbeats();
  private readonly census = new ZoneCensus();
  private readonly tokens = new EvictionTokens();
  /** What each node's readiness was when its pods last heard of it. */
  private readonly told = new Map<string, Readiness>();

  constructor(private readonly dependencies: ControllerDependencies) {}

  /** Follows leases and nodes beside the queue: a renewal is no work, only a time. */
  observe(signal: AbortSignal): void {
    const { informers } = this.dependencies;
    for (const node of informers.nodes.list()) this.onNode(node);
    const stops = [
      informers.nodes.onChange(({ type, object }) => {
        if (type === 'DELETED') this.onGone(object);
        else this.onNode(object);
      }),
      informers.nodeLeases.onChange(({ object }) => {
        const node = informers.nodes.get('', object.metadata?.name ?? '');
        if (node) this.onNode(node);
      }),
    ];
    signal.addEventListener('abort', () => stops.forEach((stop) => stop()), { once: true });
  }

  async reconcile(name: string, context: ReconcileContext): Promise<{ requeueAfterMs?: number }> {
    const { clock, informers, config } = this.dependencies;
    let node = informers.nodes.get('', name);
    if (!node || node.metadata?.deletionTimestamp) return {};
    const grace = { monitorMs: config.nodeMonitorGracePeriodMs, startupMs: config.nodeStartupGracePeriodMs };
    const silentInMs = silentAtMs(node, this.see(node), grace) - clock.monotonic();
    if (silentInMs <= 0) node = await this.markSilent(node, context);
    node = await this.applyTaints(node, context);
    await this.tellPods(node);
    if (readinessOf(node) !== 'True' || silentInMs <= 0) return { requeueAfterMs: config.nodeMonitorPeriodMs };
    return { requeueAfterMs: silentInMs };
  }

  private see(node: Node): { readonly seenMs: number } {
    const { clock, informers } = this.dependencies;
    return this.heartbeats.see(node, informers.nodeLeases.get(nodeLeaseNamespace, node.metadata?.name ?? ''), clock.monotonic());
  }

  private onNode(node: Node): void {
    this.see(node);
    this.census.set(node);
  }

  private onGone(node: Node): void {
    const name = node.metadata?.name ?? '';
    this.heartbeats.forget(name);
    this.census.remove(name);
    this.told.delete(name);
    this.dependencies.recorder.event(nodeReference(node), 'Normal', 'RemovingNode', `Node ${name} event: Removing Node ${name} from Controller`);
  }

  private async markSilent(node: Node, { logger, wrote }: ReconcileContext): Promise<Node> {
    const { client, clock, informers } = this.dependencies;
    const conditions = conditionsOfSilent(node, clock.now());
    if (!conditions) return node;
    logger.warn('node is silent', { node: node.metadata?.name });
    const written = await client.resource(nodes).updateStatus({ ...node, status: { ...node.status, conditions } });
    await wrote(informers.nodes, written);
    return written;
  }

  private async applyTaints(node: Node, { logger, wrote }: ReconcileContext): Promise<Node> {
    const { client, clock, informers, config } = this.dependencies;
    const zone = zoneOf(node);
    const mayEvict = (): boolean => this.tokens.take(zone, evictionRate(this.census.count(zone), config), clock.monotonic());
    const { taints, changed, evictionHeld } = planTaints(node, clock.now(), { mayEvict, stopEvictions: this.census.allDown });
    if (evictionHeld) logger.info('eviction waits for its turn', { node: node.metadata?.name });
    if (!changed) return node;
    const { taints: _before, ...spec } = node.spec ?? {};
    const written = await client.resource(nodes).update({ ...node, spec: { ...spec, ...(taints.length > 0 && { taints: [...taints] }) } });
    await wrote(informers.nodes, written);
    return written;
  }

  /** Pods of a node that stopped being ready are not ready either; no Service may send to them. */
  private async tellPods(node: Node): Promise<void> {
    const { informers, recorder } = this.dependencies;
    const name = node.metadata?.name ?? '';
    const readiness = readinessOf(node);
    const before = this.told.get(name);
    if (before === undefined) recorder.event(nodeReference(node), 'Normal', 'RegisteredNode', `Node ${name} event: Registered Node ${name} in Controller`);
    if (readiness !== 'True' && before === 'True') recorder.event(nodeReference(node), 'Normal', 'NodeNotReady', `Node ${name} status is now: NodeNotReady`);
    // A kubelet that still reports knows its pods itself: it is overruled once. One that is silent is spoken for always.
    if (readiness === 'Unknown' || (readiness === 'False' && before === 'True')) {
      await Promise.all(informers.pods.by('nodeName', name).filter(isReady).map((pod) => this.markNotReady(pod)));
    }
    this.told.set(name, readiness);
  }

  private async markNotReady(pod: Pod): Promise<void> {
    const { client, clock, recorder } = this.dependencies;
    recorder.event(podReference(pod), 'Warning', 'NodeNotReady', 'Node is not ready');
    const conditions = pod.status?.conditions?.map((condition) =>
      condition.type === 'Ready' ? { ...condition, status: 'False', lastTransitionTime: timeFromMs(clock.now()) } : condition);
    try {
      await client.resource(pods).updateStatus({ ...pod, status: { ...pod.status, conditions } });
    } catch (thrown) {
      if (!isNotFound(thrown)) throw thrown;
    }
  }
}

const isReady = ({ status }: Pod): boolean => status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false;

export const startNodeLifecycle: StartController = (dependencies, signal) => {
  const { clock, random, logger, informers, config, observe } = dependencies;
  const lifecycle = new NodeLifecycle(dependencies);
  lifecycle.observe(signal);
  return startController({
    name: 'node/lifecycle', clock, random, logger, signal, concurrency: 8, maxBackoffMs: config.nodeMonitorPeriodMs, ...(observe && { observe }),
    watches: [
      watching(informers.nodes, { keys: ({ metadata }) => [{ namespace: '', name: metadata?.name ?? '' }], when: ({ type }) => type !== 'DELETED' }),
      cacheOnly(informers.pods),
      cacheOnly(informers.nodeLeases),
    ],
    reconcile: ({ name }, context) => lifecycle.reconcile(name, context),
  });
};
