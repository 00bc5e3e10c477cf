import { leases, localPathRootAnnotation, microTimeFromMs, nodes, ownerReference } from '@navarch/api';
import { backoffDelayMs, hasReason, isAlreadyExists, isConflict, isNotFound, sleep, toError, type Clock, type Logger } from '@navarch/base';
import type { ApiClient } from '@navarch/client';
import type { ContainerRuntime, RuntimeHealth, RuntimeVersion } from '@navarch/cri';
import type { Lease } from '@navarch/proto/k8s/io/api/coordination/v1/coordination';
import type { Node } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { KubeletConfig } from '../config';
import type { Host, MachineFacts } from '../host/host';
import { localPathRoot } from './local-path';
import { differs, isReady, nodeLabels, nodeStatus } from './node-status';

export const endpointAnnotation = 'navarch.io/kubelet-endpoint';
const leaseNamespace = 'kube-node-lease';
const leaseSeconds = 40;
const leaseEveryMs = 10_000;
const statusEveryMs = 10_000;
/** Kubernetes' nodeStatusReportFrequency. */
const reportEveryMs = 300_000;
/** While the node is not ready it looks more often: the network comes up within a second of the pod range. */
const unreadyEveryMs = 500;
const retryMs = 2_000;
const registerBackoff = { initialMs: 200, maxMs: 7_000 };

export interface NodeAgentOptions {
  readonly nodeName: string;
  readonly client: ApiClient;
  readonly runtime: ContainerRuntime;
  readonly host: Host;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly config: KubeletConfig;
  readonly machine: MachineFacts;
  readonly signal: AbortSignal;
  readonly report: (type: 'Normal' | 'Warning', reason: string, message: string) => void;
}

/** Keeps the node's object, its status and its Lease; never gives up until the signal aborts. */
export class NodeAgent {
  private lastReportMs = -Infinity;
  private runtimeVersion: RuntimeVersion | undefined;
  private wake: (() => void) | undefined;
  private lastReady: boolean | undefined;

  constructor(private readonly options: NodeAgentOptions) {}

  /** Registers the node, then keeps status and Lease going. Resolves when it is registered. */
  async start(): Promise<void> {
    await this.untilDone('register node', () => this.register());
    void this.loop('node status', () => this.beat(), (ready) => (ready ? statusEveryMs : unreadyEveryMs));
    void this.loop('node lease', () => this.renew(), () => leaseEveryMs);
  }

  /** Something that the status depends on has changed. */
  check(): void {
    this.wake?.();
  }

  private get client() {
    return this.options.client.resource(nodes);
  }

  private async untilDone(what: string, work: () => Promise<void>): Promise<void> {
    const { clock, logger, signal } = this.options;
    for (let failures = 1; ; failures += 1) {
      try {
        return await work();
      } catch (error) {
        signal.throwIfAborted();
        logger.warn(`${what} failed, trying again`, { error: toError(error).message });
        await sleep(clock, backoffDelayMs(failures, registerBackoff), signal);
      }
    }
  }

  private async loop(what: string, work: () => Promise<boolean>, delay: (ok: boolean) => number): Promise<void> {
    const { clock, logger, signal } = this.options;
    while (!signal.aborted) {
      let delayMs = retryMs;
      try {
        delayMs = delay(await work());
      } catch (error) {
        if (!signal.aborted) logger.warn(`${what} not written, trying again`, { error: toError(error).message });
      }
      const nap = new AbortController();
      const onAbort = (): void => nap.abort();
      signal.addEventListener('abort', onAbort, { once: true });
      if (what === 'node status') this.wake = onAbort;
      await sleep(clock, delayMs, nap.signal).catch(() => undefined);
      signal.removeEventListener('abort', onAbort);
    }
  }

  private async register(): Promise<void> {
    const { nodeName, config, machine } = this.options;
    const labels = nodeLabels({ nodeName, config, machine });
    const annotations: Record<string, string> = { [localPathRootAnnotation]: localPathRoot(config), ...(config.endpoint !== undefined && { [endpointAnnotation]: config.endpoint }) };
    const status = nodeStatus(await this.facts(), undefined, this.options.clock.now());
    try {
      await this.client.create({ metadata: { name: nodeName, labels, annotations }, spec: { ...(config.taints.length > 0 && { taints: [...config.taints] }) }, status }, { signal: this.options.signal });
      this.options.logger.info('node registered', { node: nodeName });
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      const found = await this.client.get('', nodeName, { signal: this.options.signal });
      const next: Node = { ...found, metadata: { ...found.metadata, labels: { ...found.metadata?.labels, ...labels }, annotations: { ...found.metadata?.annotations, ...annotations } } };
      await this.client.update(next, { signal: this.options.signal });
    }
    this.options.report('Normal', 'Starting', 'Starting kubelet.');
  }

  private async facts() {
    const { runtime, host, signal } = this.options;
    let health: RuntimeHealth | undefined;
    let healthError = '';
    try {
      health = await runtime.health({ signal, timeoutMs: 5_000 });
      this.runtimeVersion ??= await runtime.version({ signal });
    } catch (error) {
      healthError = toError(error).message;
    }
    return { ...this.options, usage: await host.usage(), health, healthError, runtimeVersion: this.runtimeVersion };
  }

  /** Writes the status when it has changed or five minutes have passed; answers whether the node is ready. */
  private async beat(): Promise<boolean> {
    const { nodeName, clock, signal } = this.options;
    const facts = await this.facts();
    for (;;) {
      const node = await this.current();
      const status = nodeStatus(facts, node.status, clock.now());
      const ready = isReady({ status });
      this.reportReady(ready);
      if (!differs(node.status, status) && clock.now() - this.lastReportMs < reportEveryMs) return ready;
      try {
        await this.client.updateStatus({ ...node, status }, { signal });
        this.lastReportMs = clock.now();
        return ready;
      } catch (error) {
        if (isNotFound(error)) this.options.logger.warn('node object is gone, registering again', { node: nodeName });
        else if (!isConflict(error)) throw error;
      }
    }
  }

  private reportReady(ready: boolean): void {
    if (this.lastReady === ready) return;
    if (this.lastReady !== undefined || ready) this.options.report('Normal', ready ? 'NodeReady' : 'NodeNotReady', `Node ${this.options.nodeName} status is now: ${ready ? 'NodeReady' : 'NodeNotReady'}`);
    this.lastReady = ready;
  }

  private async current(): Promise<Node> {
    const { nodeName, signal } = this.options;
    try {
      return await this.client.get('', nodeName, { signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
      await this.register();
      return this.client.get('', nodeName, { signal });
    }
  }

  private async renew(): Promise<boolean> {
    const { nodeName, clock, signal } = this.options;
    const client = this.options.client.resource(leases);
    const renewTime = microTimeFromMs(clock.now());
    const spec = { holderIdentity: nodeName, leaseDurationSeconds: leaseSeconds, renewTime };
    try {
      const found = await client.get(leaseNamespace, nodeName, { signal });
      await client.update({ ...found, spec: { ...found.spec, ...spec } }, { signal });
    } catch (error) {
      if (isConflict(error)) return this.renew();
      if (!isNotFound(error)) throw error;
      const owner = ownerReference(nodes, await this.current());
      const lease: Lease = { metadata: { namespace: leaseNamespace, name: nodeName, ownerReferences: [owner] }, spec };
      await client.create(lease, { signal }).catch((reason: unknown) => {
        if (!hasReason(reason, 'AlreadyExists')) throw reason;
      });
    }
    return true;
  }
}
