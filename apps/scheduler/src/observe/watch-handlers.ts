import type { EventHeaders, Informer, ObjectChange } from '@navarch/client';
import type { Node, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { Scheduler } from '../cycle/scheduler';
import { Action, nodeActions, podActions } from '../framework/cluster-event';
import type { Framework } from '../framework/framework';
import type { WaitingPods } from '../framework/waiting-pods';
import type { SchedulingQueue } from '../queue/scheduling-queue';
import type { ClusterCache } from '../snapshot/cluster-cache';
import { isTerminal, type PodInfo } from '../snapshot/pod-info';
import type { VolumeCaches } from '../snapshot/volume-caches';
import type { Outcomes } from './outcomes';

const decisive = Action.updateNodeAllocatable | Action.updateNodeLabel | Action.updateNodeTaint;

/** Turns what the watch shows into the cache, the queue and cluster events. All a scheduler knows, it knows from here. */
export class WatchHandlers {
  constructor(private readonly parts: {
    readonly cache: ClusterCache; readonly queue: SchedulingQueue; readonly profiles: ReadonlyMap<string, Framework>; readonly waiting: WaitingPods;
    readonly outcomes: Outcomes; readonly scheduler: Scheduler;
  }) {}

  /** Takes over what the informers have and follows them; answers how to stop. */
  attach(nodes: Informer<Node>, pods: Informer<Pod>, volumes: VolumeCaches): () => void {
    for (const node of nodes.list()) this.setNode(node, undefined);
    for (const pod of pods.list()) this.setPod(pod, pods.headers(pod.metadata?.namespace ?? '', pod.metadata?.name ?? '') ?? { commitTimeMs: 0 });
    const stops = [
      nodes.onChange(({ type, object, old }) => (type === 'DELETED' ? this.removeNode(object) : this.setNode(object, old))),
      pods.onChange((change) => this.onPod(change)),
      volumes.onChange(() => this.parts.queue.onEvent({ resource: 'Volume', actions: Action.all })),
    ];
    return () => stops.forEach((stop) => stop());
  }

  private onPod({ type, object, headers }: ObjectChange<Pod>): void {
    if (type === 'DELETED') this.removePod(object);
    else this.setPod(object, headers);
  }

  private setNode(node: Node, old: Node | undefined): void {
    const { cache, queue } = this.parts;
    const actions = old ? nodeActions(old, node) : Action.add;
    if (old && (actions & decisive) === 0) cache.refreshNode(node);
    else cache.setNode(node);
    if (actions !== 0) queue.onEvent({ resource: 'Node', actions, node, ...(old && { old }) });
  }

  private removeNode(node: Node): void {
    this.parts.cache.removeNode(node.metadata?.name ?? '');
    this.parts.queue.onEvent({ resource: 'Node', actions: Action.delete, old: node });
  }

  private setPod(pod: Pod, headers: EventHeaders): void {
    if (isTerminal(pod)) {
      this.removePod(pod);
      return;
    }
    const info = this.parts.cache.pods.of(pod);
    const nodeName = pod.spec?.nodeName;
    if (nodeName) this.setAssigned(info, nodeName);
    else this.setWaiting(info, headers);
  }

  private setAssigned(info: PodInfo, nodeName: string): void {
    const { cache, queue, scheduler, outcomes } = this.parts;
    const before = cache.infoOf(info.uid);
    const from = cache.nodeOf(info.uid);
    const wasAssumed = cache.isAssumed(info.uid);
    queue.delete(info.uid);
    cache.setPod(info, nodeName);
    if (wasAssumed) scheduler.confirm(info.uid);
    if (!before || wasAssumed) outcomes.forget(info);
    if (!before || from === undefined) queue.onEvent({ resource: 'AssignedPod', actions: Action.add, pod: info });
    else if (from !== nodeName) queue.onEvent({ resource: 'AssignedPod', actions: Action.delete, old: before });
    else {
      const actions = podActions(before, info);
      if (actions !== 0) queue.onEvent({ resource: 'AssignedPod', actions, old: before, pod: info });
    }
  }

  private setWaiting(info: PodInfo, headers: EventHeaders): void {
    const { cache, queue, profiles, outcomes } = this.parts;
    if (!profiles.has(info.schedulerName)) return;
    if (info.pod.metadata?.deletionTimestamp) {
      queue.delete(info.uid);
      outcomes.forget(info);
      return;
    }
    // Bound by us; this is an older state that the watch shows on its way to the binding.
    if (cache.nodeOf(info.uid) !== undefined && !queue.isInFlight(info.uid)) return;
    queue.set(info, headers);
  }

  private removePod(pod: Pod): void {
    const { cache, queue, waiting, outcomes, scheduler } = this.parts;
    const uid = pod.metadata?.uid ?? '';
    const known = cache.infoOf(uid);
    const info = known ?? cache.pods.of(pod);
    queue.delete(uid);
    outcomes.forget(info);
    waiting.get(uid)?.reject('scheduler', 'the pod was deleted');
    if (!known) {
      queue.onEvent({ resource: 'UnscheduledPod', actions: Action.delete, old: info });
      return;
    }
    cache.remove(uid);
    scheduler.confirm(uid);
    queue.onEvent({ resource: 'AssignedPod', actions: Action.delete, old: known });
  }
}
