import type { CycleState } from '../framework/cycle-state';
import type { EnqueueExtensions, PreScorePlugin, ScorePlugin, SignPlugin } from '../framework/plugin';
import type { NodeTable } from '../snapshot/node-table';
import type { PodInfo } from '../snapshot/pod-info';
import type { WeightedResource } from './node-resources-fit';

/** Prefers nodes whose resources would be used in like shares: 100 less the standard deviation of the shares, in percent. */
export class NodeResourcesBalancedAllocation implements PreScorePlugin, ScorePlugin, SignPlugin, EnqueueExtensions {
  readonly name = 'NodeResourcesBalancedAllocation';
  private readonly ids: readonly number[];
  private readonly shares: Float64Array;

  constructor(resources: readonly WeightedResource[], nodes: NodeTable) {
    this.ids = resources.map(({ name }) => nodes.resources.intern(name));
    this.shares = new Float64Array(this.ids.length);
  }

  sign(info: PodInfo): string {
    return `${info.requests.ids.join()}:${info.requests.amounts.join()}`;
  }

  /** A pod that asks for nothing changes no balance. */
  preScore(_state: CycleState, info: PodInfo): 'skip' | undefined {
    return info.requests.ids.some((id) => this.ids.includes(id)) ? undefined : 'skip';
  }

  score(_state: CycleState, info: PodInfo, nodes: NodeTable, row: number): number {
    let count = 0;
    for (let i = 0; i < this.ids.length; i++) {
      const id = this.ids[i] as number;
      const allocatable = nodes.allocatable[id]?.[row] ?? 0;
      if (allocatable === 0) continue;
      const at = info.requests.ids.indexOf(id);
      const used = (nodes.requested[id]?.[row] ?? 0) + (at < 0 ? 0 : (info.requests.amounts[at] as number));
      this.shares[count++] = Math.min(1, used / allocatable);
    }
    return Math.floor((1 - deviation(this.shares, count)) * 100);
  }

  eventsToRegister(): readonly never[] {
    return [];
  }
}

function deviation(shares: Float64Array, count: number): number {
  if (count < 2) return 0;
  if (count === 2) return Math.abs((shares[0] as number) - (shares[1] as number)) / 2;
  let mean = 0;
  for (let i = 0; i < count; i++) mean += (shares[i] as number) / count;
  let variance = 0;
  for (let i = 0; i < count; i++) variance += ((shares[i] as number) - mean) ** 2 / count;
  return Math.sqrt(variance);
}
