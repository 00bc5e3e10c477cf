import type { Node } from '@navarch/proto/k8s/io/api/core/v1/core';

import { Action, type ClusterEvent, type EventRegistration, type QueueingHint } from '../framework/cluster-event';
import type { CycleState } from '../framework/cycle-state';
import {
  pass, unresolvable, unschedulable, type EnqueueExtensions, type FilterPlugin, type ScorePlugin, type SignPlugin, type Verdict,
} from '../framework/plugin';
import { cpuId, memoryId, type NodeTable } from '../snapshot/node-table';
import { amountOf, type PodInfo } from '../snapshot/pod-info';
import type { ResourceScorer } from './resource-strategies';

export interface WeightedResource {
  readonly name: string;
  readonly weight: number;
}

export interface FitOptions {
  readonly scorer: ResourceScorer;
  readonly resources: readonly WeightedResource[];
  /** Extended resources that are someone else's business: names, and the part of a name before its slash. */
  readonly ignoredResources: ReadonlySet<string>;
  readonly ignoredGroups: ReadonlySet<string>;
}

/** A pod goes only where what it requests is free; nodes score by the configured strategy. */
export class NodeResourcesFit implements FilterPlugin, ScorePlugin, SignPlugin, EnqueueExtensions {
  readonly name = 'NodeResourcesFit';
  private readonly scored: readonly { readonly id: number; readonly weight: number }[];
  private readonly ignores: boolean;

  constructor(private readonly options: FitOptions, private readonly nodes: NodeTable) {
    this.scored = options.resources.map(({ name, weight }) => ({ id: nodes.resources.intern(name), weight }));
    this.ignores = options.ignoredResources.size + options.ignoredGroups.size > 0;
  }

  sign(info: PodInfo): string {
    return `${info.requests.ids.join()}:${info.requests.amounts.join()}:${info.scoredCpu}:${info.scoredMemory}`;
  }

  filter(_state: CycleState, info: PodInfo, nodes: NodeTable, row: number): Verdict {
    let verdict: Verdict = (nodes.podCount[row] as number) + 1 > (nodes.allowedPods[row] as number) ? unschedulable : pass;
    const { ids, amounts } = info.requests;
    for (let i = 0; i < ids.length; i++) {
      const allocatable = nodes.allocatable[ids[i] as number]?.[row] ?? 0;
      const wanted = amounts[i] as number;
      if (wanted <= allocatable - (nodes.requested[ids[i] as number]?.[row] ?? 0) || this.isIgnored(ids[i] as number)) continue;
      if (wanted > allocatable) return unresolvable;
      verdict = unschedulable;
    }
    return verdict;
  }

  explain(_state: CycleState, info: PodInfo, nodes: NodeTable, row: number): readonly string[] {
    const reasons = (nodes.podCount[row] as number) + 1 > (nodes.allowedPods[row] as number) ? ['Too many pods'] : [];
    info.requests.ids.forEach((id, i) => {
      const free = (nodes.allocatable[id]?.[row] ?? 0) - (nodes.requested[id]?.[row] ?? 0);
      if ((info.requests.amounts[i] as number) > free && !this.isIgnored(id)) reasons.push(`Insufficient ${nodes.resources.textOf(id)}`);
    });
    return reasons;
  }

  score(_state: CycleState, info: PodInfo, nodes: NodeTable, row: number): number {
    let sum = 0;
    let weights = 0;
    for (let i = 0; i < this.scored.length; i++) {
      const { id, weight } = this.scored[i] as { id: number; weight: number };
      const allocatable = nodes.allocatable[id]?.[row] ?? 0;
      if (allocatable === 0) continue;
      const wanted = wantedForScore(info, id);
      if (wanted === 0 && id !== cpuId && id !== memoryId) continue;
      sum += this.options.scorer(usedForScore(nodes, id, row) + wanted, allocatable) * weight;
      weights += weight;
    }
    return weights === 0 ? 0 : Math.floor(sum / weights);
  }

  eventsToRegister(): readonly EventRegistration[] {
    return [
      { resource: 'Node', actions: Action.add | Action.updateNodeAllocatable, hint: (pod, event) => this.afterNodeChange(pod, event) },
      { resource: 'AssignedPod', actions: Action.delete | Action.updatePodScaleDown, hint: (pod, event) => this.afterPodChange(pod, event) },
      { resource: 'UnscheduledPod', actions: Action.updatePodScaleDown, hint: (pod, event) => (event.resource === 'UnscheduledPod' && event.pod?.uid !== pod.uid ? 'skip' : 'queue') },
    ];
  }

  private isIgnored(id: number): boolean {
    if (!this.ignores) return false;
    const name = this.nodes.resources.textOf(id);
    return this.options.ignoredResources.has(name) || this.options.ignoredGroups.has(name.split('/', 1)[0] as string);
  }

  /** A new node helps when the pod would fit on it empty; a changed one, when it has more of what the pod asks for. */
  private afterNodeChange(pod: PodInfo, event: ClusterEvent): QueueingHint {
    if (event.resource !== 'Node' || !event.node) return 'queue';
    const { node, old } = event;
    if (!this.fitsEmpty(pod, node)) return 'skip';
    if (!old) return 'queue';
    const grew = ['pods', ...pod.requests.ids.map((id) => this.nodes.resources.textOf(id))].some((name) => offered(node, name) > offered(old, name));
    return grew ? 'queue' : 'skip';
  }

  private fitsEmpty(pod: PodInfo, node: Node): boolean {
    return offered(node, 'pods') >= 1
      && pod.requests.ids.every((id, i) => (pod.requests.amounts[i] as number) <= offered(node, this.nodes.resources.textOf(id)) || this.isIgnored(id));
  }

  /** A pod that leaves always frees a place; one that asks for less helps with what it gives back. */
  private afterPodChange(pod: PodInfo, event: ClusterEvent): QueueingHint {
    if (event.resource !== 'AssignedPod' || (event.actions & Action.delete) !== 0) return 'queue';
    const { old, pod: next } = event;
    if (!old || !next) return 'queue';
    return pod.requests.ids.some((id) => requestOf(old, id) > requestOf(next, id)) ? 'queue' : 'skip';
  }
}

function offered(node: Node, resource: string): number {
  return amountOf(resource, node.status?.allocatable?.[resource]);
}

function requestOf(info: PodInfo, id: number): number {
  const at = info.requests.ids.indexOf(id);
  return at < 0 ? 0 : (info.requests.amounts[at] as number);
}

function wantedForScore(info: PodInfo, id: number): number {
  return id === cpuId ? info.scoredCpu : id === memoryId ? info.scoredMemory : requestOf(info, id);
}

function usedForScore(nodes: NodeTable, id: number, row: number): number {
  return (id === cpuId ? nodes.scoredCpu[row] : id === memoryId ? nodes.scoredMemory[row] : nodes.requested[id]?.[row]) ?? 0;
}
