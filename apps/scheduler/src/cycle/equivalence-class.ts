import type { CycleState } from '../framework/cycle-state';
import type { Framework, WeightedScore } from '../framework/framework';
import type { FilterPlugin, NormalizeScorePlugin } from '../framework/plugin';
import { has } from '../framework/plugin';
import type { NodeTable } from '../snapshot/node-table';
import type { PodInfo } from '../snapshot/pod-info';
import type { Diagnosis } from './diagnosis';

/**
 * What is known of all pods with one signature: per row who rejects it and how it scores, each with the row's generation when that was
 * found out. After a placement one row has a new generation, so the next like pod works out one row.
 */
export class EquivalenceClass {
  /** 0: feasible; else 1 + the index in `filters` of who rejects the row. */
  verdicts = new Uint8Array(0);
  /** Sum of the weighted scores that need no normalizing. */
  plainScores = new Int32Array(0);
  rawScores: Int32Array[] = [];
  /** The state of the whole table for which `diagnosis` holds. */
  diagnosedAt = -1;
  diagnosis: Diagnosis | undefined;
  filters: readonly FilterPlugin[] = [];
  private plain: readonly WeightedScore[] = [];
  normalized: readonly { readonly plugin: NormalizeScorePlugin; readonly weight: number }[] = [];
  scoresPrepared = false;
  private filteredAt = new Float64Array(0);
  private scoredAt = new Float64Array(0);

  constructor(readonly state: CycleState) {}

  /** Arrays at least as long as the table's. */
  fit(capacity: number): void {
    if (this.verdicts.length >= capacity) return;
    this.verdicts = new Uint8Array(capacity);
    this.plainScores = new Int32Array(capacity);
    this.rawScores = this.normalized.map(() => new Int32Array(capacity));
    this.filteredAt = new Float64Array(capacity);
    this.scoredAt = new Float64Array(capacity);
  }

  isFeasible(info: PodInfo, nodes: NodeTable, row: number): boolean {
    if (this.filteredAt[row] !== nodes.generation[row]) {
      this.verdicts[row] = this.judge(info, nodes, row);
      this.filteredAt[row] = nodes.generation[row] as number;
    }
    return this.verdicts[row] === 0;
  }

  /** Chooses who scores; once, with the first feasible rows. */
  prepareScores(framework: Framework, info: PodInfo, nodes: NodeTable, rows: Int32Array, count: number): void {
    if (this.scoresPrepared) return;
    const skipped = new Set(framework.preScore.filter((plugin) => plugin.preScore(this.state, info, nodes, rows, count) === 'skip').map(({ name }) => name));
    const scorers = framework.score.filter(({ plugin }) => !skipped.has(plugin.name));
    this.plain = scorers.filter(({ plugin }) => !normalizes(plugin));
    this.normalized = scorers.flatMap(({ plugin, weight }) => (normalizes(plugin) ? [{ plugin, weight }] : []));
    this.rawScores = this.normalized.map(() => new Int32Array(this.verdicts.length));
    this.scoresPrepared = true;
  }

  scoreRow(info: PodInfo, nodes: NodeTable, row: number): void {
    if (this.scoredAt[row] === nodes.generation[row]) return;
    let sum = 0;
    for (let i = 0; i < this.plain.length; i++) {
      const { plugin, weight } = this.plain[i] as WeightedScore;
      sum += weight * plugin.score(this.state, info, nodes, row);
    }
    this.plainScores[row] = sum;
    for (let i = 0; i < this.normalized.length; i++) {
      (this.rawScores[i] as Int32Array)[row] = (this.normalized[i] as { plugin: NormalizeScorePlugin }).plugin.score(this.state, info, nodes, row);
    }
    this.scoredAt[row] = nodes.generation[row] as number;
  }

  private judge(info: PodInfo, nodes: NodeTable, row: number): number {
    for (let i = 0; i < this.filters.length; i++) {
      if ((this.filters[i] as FilterPlugin).filter(this.state, info, nodes, row) !== 0) return i + 1;
    }
    return 0;
  }
}

function normalizes(plugin: WeightedScore['plugin']): plugin is NormalizeScorePlugin {
  return has<NormalizeScorePlugin>(plugin, 'normalize');
}
