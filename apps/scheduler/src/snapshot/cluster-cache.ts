import type { Node } from '@navarch/proto/k8s/io/api/core/v1/core';

import { NodeTable } from './node-table';
import { PodInfoFactory, type PodInfo } from './pod-info';

interface PlacedPod {
  info: PodInfo;
  nodeName: string;
  /** Placed by a decision of ours that the watch has not yet shown. */
  assumed: boolean;
}

/**
 * The table together with which pod is where. A pod that was given a node is *assumed* there from the moment of the
 * decision, so that the next decision counts it; the watch confirms it, or `forget` takes it back. What the watch says wins.
 */
export class ClusterCache {
  readonly table = new NodeTable();
  readonly pods = new PodInfoFactory(this.table.resources);
  private readonly placed = new Map<string, PlacedPod>();

  get podCount(): number {
    return this.placed.size;
  }

  infoOf(uid: string): PodInfo | undefined {
    return this.placed.get(uid)?.info;
  }

  /** The node that a pod is counted on. */
  nodeOf(uid: string): string | undefined {
    return this.placed.get(uid)?.nodeName;
  }

  isAssumed(uid: string): boolean {
    return this.placed.get(uid)?.assumed ?? false;
  }

  assume(info: PodInfo, nodeName: string): void {
    if (this.placed.has(info.uid)) throw new Error(`pod ${info.namespace}/${info.name} is already counted on a node`);
    this.place(info, nodeName, true);
  }

  /** Takes back an assumption; a pod that the watch has confirmed stays. */
  forget(uid: string): boolean {
    return this.isAssumed(uid) && this.remove(uid) !== undefined;
  }

  /** A pod as the watch shows it on its node: new there, confirmed, changed, or (another scheduler won) elsewhere than assumed. */
  setPod(info: PodInfo, nodeName: string): void {
    const known = this.placed.get(info.uid);
    if (known?.nodeName === nodeName && sameUse(known.info, info)) {
      known.assumed = false;
      known.info = info;
      const row = this.table.rowOf(nodeName);
      if (row !== undefined) this.table.pods[row]?.set(info.uid, info);
      return;
    }
    if (known) this.remove(info.uid);
    this.place(info, nodeName, false);
  }

  /** Answers where it was. */
  remove(uid: string): string | undefined {
    const known = this.placed.get(uid);
    if (!known) return undefined;
    this.placed.delete(uid);
    this.table.removePod(uid, known.nodeName);
    return known.nodeName;
  }

  setNode(node: Node): void {
    this.table.setNode(node);
  }

  /** A node of which only changed what no decision depends on. */
  refreshNode(node: Node): void {
    this.table.refreshNode(node);
  }

  removeNode(nodeName: string): void {
    this.table.removeNode(nodeName);
  }

  private place(info: PodInfo, nodeName: string, assumed: boolean): void {
    this.placed.set(info.uid, { info, nodeName, assumed });
    this.table.addPod(info, nodeName);
  }
}

/** Whether the table counts the two alike, so that a status update costs no row its cached decisions. */
function sameUse(a: PodInfo, b: PodInfo): boolean {
  return a.requests === b.requests
    && a.hostPorts.length === b.hostPorts.length
    && a.hostPorts.every((port, i) => port.port === b.hostPorts[i]?.port && port.protocol === b.hostPorts[i]?.protocol && port.ip === b.hostPorts[i]?.ip);
}
