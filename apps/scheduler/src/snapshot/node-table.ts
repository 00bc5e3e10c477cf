import type { Node, Taint } from '@navarch/proto/k8s/io/api/core/v1/core';

import { UsedPorts } from './host-ports';
import { Interner } from './interner';
import { LabelColumns, type LabelColumn } from './label-columns';
import { amountOf, type PodInfo } from './pod-info';
import { interleaveZones } from './zones';

/** The resources every table counts from the start, by their ids. */
export const cpuId = 1;
export const memoryId = 2;

const noTaints: readonly Taint[] = [];

/**
 * The cluster as the scheduler decides over it: one row per node, one typed array per fact, so that filtering thousands
 * of nodes allocates nothing. It is kept up to date change by change (see ClusterCache) and read synchronously, so no
 * copy is ever taken. A row's `generation` grows with each change to it; rows of removed nodes are used again.
 * A row may exist without its node: pods can be seen on a node before the node is.
 *
 * Arrays are replaced when the table grows: read them through the table, never keep them.
 */
export class NodeTable {
  readonly resources = new Interner();
  readonly taintSets: (readonly Taint[])[] = [noTaints];
  /** By resource id: what the node offers, and what the pods on it have asked for. */
  readonly allocatable: Float64Array[] = [];
  readonly requested: Float64Array[] = [];
  scoredCpu = new Float64Array(0);
  scoredMemory = new Float64Array(0);
  podCount = new Int32Array(0);
  allowedPods = new Float64Array(0);
  unschedulable = new Uint8Array(0);
  /** Index into `taintSets`. */
  taintSet = new Int32Array(0);
  generation = new Float64Array(0);
  readonly names: string[] = [];
  readonly nodes: (Node | undefined)[] = [];
  readonly pods: Map<string, PodInfo>[] = [];
  readonly ports: (UsedPorts | undefined)[] = [];
  /** Grows with every change to any row. */
  version = 0;
  capacity = 0;
  private readonly rows = new Map<string, number>();
  private readonly free: number[] = [];
  private readonly taintSetIds = new Map<string, number>([['', 0]]);
  private readonly labels = new LabelColumns();
  private rowOrder: Int32Array = new Int32Array(0);
  private orderStale = false;

  constructor() {
    this.resources.intern('cpu');
    this.resources.intern('memory');
  }

  /** Rows that have a node, in the order to try them: zone by zone in turn, so that a sample spans the zones. */
  get order(): Int32Array {
    if (this.orderStale) {
      this.rowOrder = interleaveZones(this.nodes);
      this.orderStale = false;
    }
    return this.rowOrder;
  }

  get nodeCount(): number {
    return this.order.length;
  }

  rowOf(nodeName: string): number | undefined {
    return this.rows.get(nodeName);
  }

  labelColumn(key: string): LabelColumn {
    return this.labels.get(key, this.nodes, this.capacity);
  }

  usedPorts(row: number): UsedPorts | undefined {
    return this.ports[row];
  }

  setNode(node: Node): void {
    const row = this.ensureRow(node.metadata?.name ?? '');
    if (!this.nodes[row] || zoneChanged(this.nodes[row], node)) this.orderStale = true;
    this.nodes[row] = node;
    this.setAllocatable(row, node);
    this.unschedulable[row] = node.spec?.unschedulable ? 1 : 0;
    this.taintSet[row] = this.internTaints(node.spec?.taints ?? noTaints);
    this.labels.update(row, node);
    this.touch(row);
  }

  /** Takes a newer object for a node whose columns stay as they are (a heartbeat): what is known of the row stays true. */
  refreshNode(node: Node): void {
    const row = this.rows.get(node.metadata?.name ?? '');
    if (row !== undefined && this.nodes[row]) this.nodes[row] = node;
  }

  removeNode(nodeName: string): void {
    const row = this.rows.get(nodeName);
    if (row === undefined || !this.nodes[row]) return;
    this.nodes[row] = undefined;
    this.orderStale = true;
    for (const column of this.allocatable) column[row] = 0;
    this.allowedPods[row] = 0;
    this.unschedulable[row] = 0;
    this.taintSet[row] = 0;
    this.labels.update(row, undefined);
    this.touch(row);
    this.releaseIfEmpty(row);
  }

  addPod(info: PodInfo, nodeName: string): void {
    const row = this.ensureRow(nodeName);
    this.pods[row]?.set(info.uid, info);
    this.count(row, info, 1);
    if (info.hostPorts.length > 0) (this.ports[row] ??= new UsedPorts()).add(info.hostPorts);
    this.touch(row);
  }

  removePod(uid: string, nodeName: string): void {
    const row = this.rows.get(nodeName);
    const info = row === undefined ? undefined : this.pods[row]?.get(uid);
    if (row === undefined || !info) return;
    this.pods[row]?.delete(uid);
    this.count(row, info, -1);
    if (info.hostPorts.length > 0) this.releasePorts(row, info);
    this.touch(row);
    this.releaseIfEmpty(row);
  }

  private releasePorts(row: number, info: PodInfo): void {
    const used = this.ports[row];
    used?.remove(info.hostPorts);
    if (used?.size === 0) this.ports[row] = undefined;
  }

  private count(row: number, info: PodInfo, sign: 1 | -1): void {
    const { ids, amounts } = info.requests;
    for (let i = 0; i < ids.length; i++) {
      const column = this.resourceColumn(this.requested, ids[i] as number);
      column[row] = (column[row] as number) + sign * (amounts[i] as number);
    }
    this.scoredCpu[row] = (this.scoredCpu[row] as number) + sign * info.scoredCpu;
    this.scoredMemory[row] = (this.scoredMemory[row] as number) + sign * info.scoredMemory;
    this.podCount[row] = (this.podCount[row] as number) + sign;
  }

  private setAllocatable(row: number, node: Node): void {
    for (const column of this.allocatable) column[row] = 0;
    for (const [name, quantity] of Object.entries(node.status?.allocatable ?? {})) {
      if (name === 'pods') continue;
      this.resourceColumn(this.allocatable, this.resources.intern(name))[row] = amountOf(name, quantity);
    }
    this.allowedPods[row] = amountOf('pods', node.status?.allocatable?.['pods']);
  }

  private internTaints(taints: readonly Taint[]): number {
    if (taints.length === 0) return 0;
    const key = JSON.stringify(taints.map(({ key: name, value, effect }) => [name, value, effect]));
    let id = this.taintSetIds.get(key);
    if (id === undefined) {
      id = this.taintSets.push(taints) - 1;
      this.taintSetIds.set(key, id);
    }
    return id;
  }

  /** The column of a resource; ids that no column had before get one. */
  private resourceColumn(columns: Float64Array[], id: number): Float64Array {
    while (columns.length <= id) columns.push(new Float64Array(this.capacity));
    return columns[id] as Float64Array;
  }

  private ensureRow(nodeName: string): number {
    const known = this.rows.get(nodeName);
    if (known !== undefined) return known;
    const row = this.free.pop() ?? this.names.length;
    if (row >= this.capacity) this.grow(Math.max(64, this.capacity * 2));
    this.rows.set(nodeName, row);
    this.names[row] = nodeName;
    this.pods[row] = new Map();
    this.nodes[row] = undefined;
    this.ports[row] = undefined;
    return row;
  }

  private releaseIfEmpty(row: number): void {
    if (this.nodes[row] || (this.pods[row]?.size ?? 0) > 0) return;
    this.rows.delete(this.names[row] as string);
    this.names[row] = '';
    this.free.push(row);
  }

  private touch(row: number): void {
    this.generation[row] = ++this.version;
  }

  private grow(capacity: number): void {
    this.capacity = capacity;
    for (const columns of [this.allocatable, this.requested]) {
      for (let id = 0; id < columns.length; id++) columns[id] = grown(columns[id] as Float64Array, new Float64Array(capacity));
    }
    this.scoredCpu = grown(this.scoredCpu, new Float64Array(capacity));
    this.scoredMemory = grown(this.scoredMemory, new Float64Array(capacity));
    this.podCount = grown(this.podCount, new Int32Array(capacity));
    this.allowedPods = grown(this.allowedPods, new Float64Array(capacity));
    this.unschedulable = grown(this.unschedulable, new Uint8Array(capacity));
    this.taintSet = grown(this.taintSet, new Int32Array(capacity));
    this.generation = grown(this.generation, new Float64Array(capacity));
    this.labels.grow(capacity);
  }
}

function grown<T extends Float64Array | Int32Array | Uint8Array>(from: T, into: T): T {
  into.set(from);
  return into;
}

function zoneChanged(before: Node | undefined, after: Node): boolean {
  const [a, b] = [before?.metadata?.labels, after.metadata?.labels];
  return a?.['topology.kubernetes.io/zone'] !== b?.['topology.kubernetes.io/zone'] || a?.['topology.kubernetes.io/region'] !== b?.['topology.kubernetes.io/region'];
}
