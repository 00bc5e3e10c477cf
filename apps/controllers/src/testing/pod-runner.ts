import { findCondition, pods, setCondition, timeFromMs } from '@navarch/api';
import { isConflict, isNotFound } from '@navarch/base';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { ControllerCluster } from './cluster';

export interface PodBehaviour {
  /** From its creation to Ready; 0 unless told. */
  readonly readyAfterMs?: number;
  /** From the wish to delete it to its end; 0 unless told. */
  readonly goneAfterMs?: number;
  /** Stays Running and never becomes ready. */
  readonly broken?: boolean;
  /** Where it goes; the runner's node unless told. */
  readonly node?: string | undefined;
}

/** In place of scheduler and kubelets: binds every pod to a node, makes it ready, and ends it when it is to go. */
export class PodRunner {
  private readonly stop = new AbortController();
  private readonly ending = new Set<string>();
  private readonly following: Promise<void>;

  constructor(private readonly cluster: ControllerCluster, private readonly node: string, private readonly behaviour: (pod: Pod) => PodBehaviour) {
    this.following = this.follow();
  }

  async close(): Promise<void> {
    this.stop.abort(new Error('pod runner stops'));
    await this.following;
  }

  /** The pod's Ready condition from now on. */
  async setReady(namespace: string, name: string, ready: boolean): Promise<void> {
    const client = this.cluster.api.client.resource(pods);
    const pod = await client.get(namespace, name);
    const nowMs = this.cluster.clock.now();
    const conditions = setCondition(pod.status?.conditions, { type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: timeFromMs(nowMs) }, nowMs);
    await client.updateStatus({ ...pod, status: { startTime: timeFromMs(nowMs), ...pod.status, phase: 'Running', conditions } });
  }

  private async follow(): Promise<void> {
    const { signal } = this.stop;
    for await (const { type, object } of this.cluster.api.client.resource(pods).watch({ signal, sendInitialEvents: true })) {
      if (type === 'ADDED') this.begin(object);
      if (type !== 'BOOKMARK' && type !== 'DELETED' && object.metadata?.deletionTimestamp) this.end(object);
    }
  }

  private begin(pod: Pod): void {
    const { readyAfterMs = 0, broken = false, node = this.node } = this.behaviour(pod);
    const { namespace = '', name = '' } = pod.metadata ?? {};
    if (findCondition(pod.status?.conditions, 'Ready')) return;
    void this.unlessGone(async () => {
      if (!pod.spec?.nodeName) await this.cluster.api.client.bindPod({ metadata: { namespace, name }, target: { kind: 'Node', name: node } });
      await this.setReady(namespace, name, false);
    });
    if (!broken) this.cluster.clock.setTimer(readyAfterMs, () => void this.unlessGone(() => this.setReady(namespace, name, true)));
  }

  private end(pod: Pod): void {
    const { namespace = '', name = '', uid = '' } = pod.metadata ?? {};
    if (this.ending.has(uid)) return;
    this.ending.add(uid);
    const remove = () => this.cluster.api.client.resource(pods).delete(namespace, name, { deleteOptions: { gracePeriodSeconds: 0, preconditions: { uid } } });
    this.cluster.clock.setTimer(this.behaviour(pod).goneAfterMs ?? 0, () => void this.unlessGone(remove));
  }

  private async unlessGone(work: () => Promise<unknown>): Promise<void> {
    try {
      if (!this.stop.signal.aborted) await work();
    } catch (thrown) {
      if (!isNotFound(thrown) && !isConflict(thrown)) throw thrown;
    }
  }
}
